// SPDX-License-Identifier: Apache-2.0
#include "workloads/network_graph.hpp"

#include <algorithm>
#include <cmath>

#include "base/parse.hpp"
#include "base/xml.hpp"
#include "workloads/graph_layout.hpp"

namespace memwall {
namespace {

constexpr double kRowHeight = 74;
constexpr double kBoxHeight = 44;
constexpr double kLetterWidth = 6.6;
constexpr double kMargin = 20;

/// What a box says: two lines, and what kind of work it is.
struct BoxText {
    std::string title;
    std::string below;
    const char* colour;
};

/// Boxes: the network's inputs, then its layers.
std::vector<BoxText> box_texts(const Network& network) {
    std::vector<BoxText> boxes;
    for (const TensorId input : network.inputs()) {
        boxes.push_back({network.tensor(input).name, text(network.tensor(input).shape), "#ffffff"});
    }
    for (const Layer& layer : network.layers()) {
        std::string below = layer.op + " " + text(network.tensor(layer.outputs[0]).shape);
        if (layer.macs() > 0) {
            below += ", " + format_count(layer.macs()) + " MACs";
        }
        const char* colour = layer.macs() > 0 ? "#cfe3f7" : layer.no_work ? "#f4f4f4" : "#e3f1dc";
        boxes.push_back({layer.name, std::move(below), colour});
    }
    return boxes;
}

/// From a box to one below that reads it, each pair once.
std::vector<GraphEdge> edges(const Network& network) {
    const std::vector<TensorId> inputs = network.inputs();
    std::vector<GraphEdge> edges;
    for (std::size_t l = 0; l < network.layers().size(); ++l) {
        std::vector<std::size_t> from;
        for (const TensorId read : network.layers()[l].inputs) {
            const LayerId producer = network.tensor(read).producer;
            const auto input = std::find(inputs.begin(), inputs.end(), read);
            if (!producer.valid() && input == inputs.end()) {
                continue;
            }
            const std::size_t box = producer.valid()
                                        ? inputs.size() + producer.position()
                                        : static_cast<std::size_t>(input - inputs.begin());
            if (std::find(from.begin(), from.end(), box) == from.end()) {
                from.push_back(box);
                edges.push_back({box, inputs.size() + l});
            }
        }
    }
    return edges;
}

std::string escaped_dot(const std::string& text) {
    std::string result;
    for (const char c : text) {
        result += c == '"' || c == '\\' ? std::string("\\") + c : std::string(1, c);
    }
    return result;
}

std::string number(double value) {
    return shortest(std::round(value * 10) / 10);
}

std::string box_svg(const BoxText& box, double centre, double top, double width) {
    std::string svg = "<rect x=\"" + number(centre - width / 2) + "\" y=\"" + number(top) +
                      "\" width=\"" + number(width) + "\" height=\"" + number(kBoxHeight) +
                      R"(" rx="5" fill=")" + box.colour + "\" stroke=\"#555\"/>\n";
    const auto line = [&](const std::string& text, double y, const char* style) {
        return "<text x=\"" + number(centre) + "\" y=\"" + number(y) + "\"" + style + ">" +
               escaped_xml(text) + "</text>\n";
    };
    svg += line(box.title, top + 18, " font-weight=\"bold\"");
    return svg + line(box.below, top + 35, "");
}

/// A line from point to point, upright at each.
std::string edge_svg(const std::vector<LayoutPoint>& points) {
    std::string path;
    for (std::size_t p = 0; p + 1 < points.size(); ++p) {
        const double x = points[p].x;
        const double to = points[p + 1].x;
        const double y = static_cast<double>(points[p].row) * kRowHeight + kMargin +
                         (p == 0 ? kBoxHeight : kBoxHeight / 2);
        const double end = static_cast<double>(points[p + 1].row) * kRowHeight + kMargin +
                           (p + 2 == points.size() ? 0 : kBoxHeight / 2);
        const double middle = (y + end) / 2;
        path += (p == 0 ? "M" + number(x) + " " + number(y) : "") + "C" + number(x) + " " +
                number(middle) + " " + number(to) + " " + number(middle) + " " + number(to) + " " +
                number(end);
    }
    return "<path d=\"" + path + "\" marker-end=\"url(#arrow)\"/>\n";
}

}  // namespace

std::string network_dot(const Network& network) {
    const std::vector<BoxText> boxes = box_texts(network);
    std::string dot =
        "digraph \"" + escaped_dot(network.name()) +
        "\" {\n  node [shape=box, style=\"rounded,filled\", fontname=\"Helvetica\"];\n";
    for (std::size_t box = 0; box < boxes.size(); ++box) {
        dot += "  n" + std::to_string(box) + " [label=\"" + escaped_dot(boxes[box].title) + "\\n" +
               escaped_dot(boxes[box].below) + "\", fillcolor=\"" + boxes[box].colour + "\"];\n";
    }
    for (const GraphEdge& edge : edges(network)) {
        dot += "  n" + std::to_string(edge.from) + " -> n" + std::to_string(edge.to) + ";\n";
    }
    return dot + "}\n";
}

std::string network_svg(const Network& network) {
    const std::vector<BoxText> boxes = box_texts(network);
    std::vector<double> widths;
    for (const BoxText& box : boxes) {
        const std::size_t letters = std::max(box.title.size(), box.below.size());
        widths.push_back(static_cast<double>(letters) * kLetterWidth + 20);
    }
    const GraphLayout layout = lay_out(widths, edges(network));
    const double width = layout.width + 2 * kMargin;
    const double height = static_cast<double>(layout.rows) * kRowHeight + kMargin;
    std::string svg = R"(<svg xmlns="http://www.w3.org/2000/svg" width=")" + number(width) +
                      "\" height=\"" + number(height) + "\" viewBox=\"" + number(-kMargin) + " 0 " +
                      number(width) + " " + number(height) +
                      "\" font-family=\"Helvetica, sans-serif\" font-size=\"12\" "
                      "text-anchor=\"middle\">\n<title>" +
                      escaped_xml(network.name()) +
                      "</title>\n<defs><marker id=\"arrow\" viewBox=\"0 0 8 8\" refX=\"7\" "
                      "refY=\"4\" markerWidth=\"7\" markerHeight=\"7\" orient=\"auto\"><path "
                      "d=\"M0 0L8 4L0 8z\" fill=\"#555\"/></marker></defs>\n"
                      "<g fill=\"none\" stroke=\"#555\">\n";
    for (const std::vector<LayoutPoint>& points : layout.lines) {
        svg += edge_svg(points);
    }
    svg += "</g>\n";
    for (std::size_t box = 0; box < boxes.size(); ++box) {
        const LayoutPoint& place = layout.boxes[box];
        svg += box_svg(boxes[box], place.x, static_cast<double>(place.row) * kRowHeight + kMargin,
                       widths[box]);
    }
    return svg + "</svg>\n";
}

}  // namespace memwall
