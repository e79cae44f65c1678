// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "base/xml.hpp"
#include "study/floorplan.hpp"

namespace memwall {
namespace {

constexpr int kTile = 30;
constexpr int kLeft = 110;  ///< the frame buffer and the host lie in it
constexpr int kTop = 56;
constexpr int kScale = 150;  ///< room for the colour scale on the right

struct Colour {
    double red = 0, green = 0, blue = 0;
};

/// Lightness grows from end to end, so a grey print can be read: the map viridis of matplotlib.
constexpr std::array<Colour, 9> kColours = {{{68, 1, 84},
                                             {71, 45, 123},
                                             {59, 82, 139},
                                             {44, 114, 142},
                                             {33, 145, 140},
                                             {40, 174, 128},
                                             {94, 201, 98},
                                             {173, 220, 48},
                                             {253, 231, 37}}};

/// `share` from 0 to 1.
std::string colour_of(double share) {
    const double at = std::clamp(share, 0.0, 1.0) * static_cast<double>(kColours.size() - 1);
    const std::size_t low = std::min(static_cast<std::size_t>(at), kColours.size() - 2);
    const double on = at - static_cast<double>(low);
    const auto mixed = [&](double Colour::*part) {
        return static_cast<int>(
            std::lround(kColours[low].*part * (1 - on) + kColours[low + 1].*part * on));
    };
    return fmt::format("#{:02x}{:02x}{:02x}", mixed(&Colour::red), mixed(&Colour::green),
                       mixed(&Colour::blue));
}

std::string box(int x, int y, int width, int height, const std::string& fill,
                const std::string& title) {
    return fmt::format(
        "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"{}\" stroke=\"#ffffff\">"
        "<title>{}</title></rect>\n",
        x, y, width, height, fill, escaped_xml(title));
}

std::string text_at(int x, int y, const std::string& text, const std::string& more = "") {
    return fmt::format("<text x=\"{}\" y=\"{}\"{}>{}</text>\n", x, y, more, escaped_xml(text));
}

std::string scale_svg(double most, int left, int height, const std::string& what) {
    constexpr int kSteps = 32;
    std::string svg;
    for (int s = 0; s < kSteps; ++s) {
        const int top = kTop + height * s / kSteps;
        const int below = kTop + height * (s + 1) / kSteps;
        svg += fmt::format("<rect x=\"{}\" y=\"{}\" width=\"16\" height=\"{}\" fill=\"{}\"/>\n",
                           left, top, below - top, colour_of(1 - (s + 0.5) / kSteps));
    }
    for (int mark = 0; mark <= 4; ++mark) {
        svg += text_at(left + 22, kTop + height - height * mark / 4 + 4,
                       fmt::format("{:.4g}", most * mark / 4));
    }
    return svg + text_at(left - 4, kTop - 12, what);
}

}  // namespace

std::string floorplan_svg(const Floorplan& plan) {
    const auto rows = static_cast<int>(static_cast<std::int64_t>(plan.cores.size()) / plan.columns);
    const int width = static_cast<int>(plan.columns) * kTile;
    const int height = rows * kTile;
    const double most = *std::max_element(plan.cores.begin(), plan.cores.end());
    const int all_width = kLeft + width + 40 + kScale;
    std::string svg = fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{}\" height=\"{}\" "
        "font-family=\"sans-serif\" font-size=\"12\">\n"
        "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n",
        all_width, kTop + height + 24);
    svg += text_at(10, 22, plan.title, " font-weight=\"bold\"");
    svg += box(60, kTop, 40, height, "#cfe3f7", "frame buffer");
    svg += text_at(-(kTop + height / 2) - 36, 84, "frame buffer", " transform=\"rotate(-90)\"");
    svg += box(10, kTop + height / 2 - 30, 40, 60, "#e3f1dc", "host link");
    svg += text_at(16, kTop + height / 2 + 4, "host");
    for (std::size_t core = 0; core < plan.cores.size(); ++core) {
        const auto lane = static_cast<std::int64_t>(core);
        const auto column = static_cast<int>(lane % plan.columns);
        const auto row = static_cast<int>(lane / plan.columns);
        svg += box(kLeft + column * kTile, kTop + row * kTile, kTile, kTile,
                   colour_of(most > 0 ? plan.cores[core] / most : 0),
                   fmt::format("core ({}, {}): {:.4g}", column, row, plan.cores[core]));
    }
    return svg + scale_svg(most, kLeft + width + 40, height, plan.what) + "</svg>\n";
}

}  // namespace memwall
