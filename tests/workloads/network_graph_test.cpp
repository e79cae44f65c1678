// SPDX-License-Identifier: Apache-2.0
#include "workloads/network_graph.hpp"

#include <algorithm>
#include <catch2/catch.hpp>

#include "tests/support/generated_layers.hpp"
#include "tests/workloads/network_text.hpp"
#include "workloads/graph_layout.hpp"

namespace memwall {
namespace {

std::ptrdiff_t count(const std::string& text, const std::string& what) {
    std::ptrdiff_t found = 0;
    for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) {
        ++found;
    }
    return found;
}

}  // namespace

TEST_CASE("A picture for Graphviz has a box for each input and layer, a line for each read") {
    const Network network = test::network_of_layers(
        "[4, 6, 6]",
        "- {name: a, op: conv, out_channels: 4, kernel: 1}\n- {name: 'b \"q\"', op: relu}\n"
        "- {name: s, op: add, inputs: ['b \"q\"', a]}\n- {name: d, op: add, inputs: [s, s]}\n");
    CHECK(network_dot(network) ==
          "digraph \"net\" {\n  node [shape=box, style=\"rounded,filled\", "
          "fontname=\"Helvetica\"];\n"
          "  n0 [label=\"x\\n[4, 6, 6]\", fillcolor=\"#ffffff\"];\n"
          "  n1 [label=\"a\\nconv [4, 6, 6], 576 MACs\", fillcolor=\"#cfe3f7\"];\n"
          "  n2 [label=\"b \\\"q\\\"\\nrelu [4, 6, 6]\", fillcolor=\"#e3f1dc\"];\n"
          "  n3 [label=\"s\\nadd [4, 6, 6]\", fillcolor=\"#e3f1dc\"];\n"
          "  n4 [label=\"d\\nadd [4, 6, 6]\", fillcolor=\"#e3f1dc\"];\n"
          "  n0 -> n1;\n  n1 -> n2;\n  n2 -> n3;\n  n1 -> n3;\n  n3 -> n4;\n}\n");
}

TEST_CASE("A picture on its own has every layer, and its text is escaped") {
    const Network network = test::network_of_layers(
        "[4, 6, 6]", "- {name: 'a<b&c', op: relu}\n- {name: s, op: add, inputs: ['a<b&c', x]}\n");
    const std::string svg = network_svg(network);
    CHECK(svg.rfind("<svg xmlns=", 0) == 0);
    CHECK(count(svg, "<rect ") == 3);
    CHECK(count(svg, "marker-end") == 3);
    CHECK(svg.find("a&lt;b&amp;c") != std::string::npos);
    CHECK(svg == network_svg(network));
}

TEST_CASE("Boxes stand in rows below what they read, none on another, lines around them") {
    test::Draw draw(31);
    for (int example = 0; example < 200; ++example) {
        const auto boxes = static_cast<std::size_t>(draw(1, 25));
        std::vector<double> widths;
        std::vector<GraphEdge> edges;
        for (std::size_t box = 0; box < boxes; ++box) {
            widths.push_back(static_cast<double>(draw(20, 200)));
            for (std::int64_t read = draw(0, 2); read > 0 && box > 0; --read) {
                edges.push_back(
                    {static_cast<std::size_t>(draw(0, static_cast<std::int64_t>(box) - 1)), box});
            }
        }
        const GraphLayout layout = lay_out(widths, edges);
        REQUIRE(layout.boxes.size() == boxes);
        REQUIRE(layout.lines.size() == edges.size());
        for (const GraphEdge& edge : edges) {
            REQUIRE(layout.boxes[edge.from].row < layout.boxes[edge.to].row);
        }
        for (const auto& line : layout.lines) {
            for (std::size_t point = 0; point + 1 < line.size(); ++point) {
                REQUIRE(line[point].row + 1 == line[point + 1].row);
            }
            for (std::size_t point = 1; point + 1 < line.size(); ++point) {
                for (std::size_t box = 0; box < boxes; ++box) {
                    const bool beside =
                        std::abs(layout.boxes[box].x - line[point].x) > widths[box] / 2;
                    REQUIRE((layout.boxes[box].row != line[point].row || beside));
                }
            }
        }
        for (std::size_t a = 0; a < boxes; ++a) {
            REQUIRE(layout.boxes[a].x >= widths[a] / 2 - 1e-6);
            REQUIRE(layout.boxes[a].x + widths[a] / 2 <= layout.width + 1e-6);
            for (std::size_t b = 0; b < a; ++b) {
                const bool apart =
                    std::abs(layout.boxes[a].x - layout.boxes[b].x) >= (widths[a] + widths[b]) / 2;
                REQUIRE((layout.boxes[a].row != layout.boxes[b].row || apart));
            }
        }
    }
}

}  // namespace memwall
