// SPDX-License-Identifier: Apache-2.0
#include "tests/support/generated_forms.hpp"

#include <algorithm>

#include "workloads/network_yaml.hpp"

namespace memwall::test {
namespace {

Generated load(const Shape& input, const std::string& layers) {
    Generated made;
    made.yaml = "network: generated\ninputs: {image: " + text(input) + "}\nlayers:\n" + layers;
    Diagnostics faults;
    made.network = load_network(read_yaml_text(made.yaml, "generated.yaml", faults), faults);
    faults.throw_if_any();
    return made;
}

std::string number(std::int64_t value) {
    return std::to_string(value);
}

/// A window and an image that it fits, along one to three axes.
struct Sliding {
    Shape sizes;
    Shape kernel, stride, dilation, padding;

    [[nodiscard]] std::string keys() const {
        return ", kernel: " + text(kernel) + ", stride: " + text(stride) +
               ", dilation: " + text(dilation);
    }
};

Sliding draw_sliding(Draw& draw) {
    Sliding sliding;
    const std::int64_t axes = draw.one_of<std::int64_t>({1, 1, 2, 3});
    Shape after;
    for (std::int64_t axis = 0; axis < axes; ++axis) {
        const std::int64_t kernel = draw(1, axes == 3 ? 2 : 4);
        const std::int64_t dilation = draw.chance(25) ? 2 : 1;
        const std::int64_t window = dilation * (kernel - 1) + 1;
        sliding.kernel.push_back(kernel);
        sliding.dilation.push_back(dilation);
        sliding.stride.push_back(draw(1, 3));
        sliding.padding.push_back(std::min(draw(0, 2), window - 1));
        after.push_back(std::min(draw(0, 2), window - 1));
        const std::int64_t least =
            std::max<std::int64_t>(1, window - sliding.padding.back() - after.back());
        sliding.sizes.push_back(draw(least, least + (axes == 3 ? 3 : 9)));
    }
    sliding.padding.insert(sliding.padding.end(), after.begin(), after.end());
    return sliding;
}

Shape with_channels(std::int64_t channels, const Shape& sizes) {
    Shape shape = {channels};
    shape.insert(shape.end(), sizes.begin(), sizes.end());
    return shape;
}

}  // namespace

Generated generated_sliding(Draw& draw) {
    const Sliding sliding = draw_sliding(draw);
    const bool same = draw.chance(25);
    const std::string padding =
        ", padding: " +
        (same ? draw.one_of<std::string>({"same", "same_lower"}) : text(sliding.padding));
    if (draw.chance(25)) {
        const std::string op = draw.one_of<std::string>({"max_pool", "average_pool"});
        return load(with_channels(draw(1, 6), sliding.sizes),
                    "- {name: pool, op: " + op + sliding.keys() + padding +
                        ", ceil_mode: " + (draw.chance(50) ? "true" : "false") + "}\n");
    }
    const std::int64_t groups = draw.chance(50) ? draw(2, 6) : 1;
    const std::int64_t inputs = groups * draw(1, groups > 1 ? 6 : 9);
    const std::int64_t outputs = groups * draw(1, groups > 1 ? 9 : 12);
    return load(with_channels(inputs, sliding.sizes),
                "- {name: conv, op: conv, out_channels: " + number(outputs) +
                    ", groups: " + number(groups) + sliding.keys() + padding + "}\n");
}

Generated generated_conv_transpose(Draw& draw) {
    const std::int64_t axes = draw.one_of<std::int64_t>({1, 2, 2, 3});
    Shape sizes, kernel, stride, dilation, padding, behind;
    for (std::int64_t axis = 0; axis < axes; ++axis) {
        const std::int64_t size = draw(1, axes == 3 ? 3 : 5);
        stride.push_back(draw(1, 3));
        dilation.push_back(stride.back() == 1 && draw.chance(40) ? 2 : 1);
        kernel.push_back(draw(1, axes == 3 ? 3 : 5));
        const std::int64_t full =
            (size - 1) * stride.back() + dilation.back() * (kernel.back() - 1) + 1;
        padding.push_back(draw(0, std::min<std::int64_t>(2, (full - 1) / 2)));
        behind.push_back(draw(0, std::max(stride.back(), dilation.back()) - 1));
        sizes.push_back(size);
    }
    const std::int64_t groups = draw.chance(30) ? draw(2, 3) : 1;
    return load(with_channels(groups * draw(1, 4), sizes),
                "- {name: up, op: conv_transpose, out_channels: " + number(groups * draw(1, 6)) +
                    ", groups: " + number(groups) + ", kernel: " + text(kernel) +
                    ", stride: " + text(stride) + ", dilation: " + text(dilation) +
                    ", padding: " + text(padding) + ", output_padding: " + text(behind) + "}\n" +
                    (draw.chance(50) ? "- {name: act, op: relu}\n" : ""));
}

Generated generated_rearrangement(Draw& draw) {
    const std::int64_t channels = 2 * draw(1, 3);
    const std::int64_t rows = draw(2, 5);
    const std::int64_t columns = draw(2, 5);
    const std::string layer = draw.one_of<std::string>(
        {"mean, axes: [1, 2]", "mean, axes: [0]", "mean, axes: [-1]", "resize, scale: 2",
         "resize, scale: [1, 3], mode: bilinear", "resize, scale: 2, mode: bilinear",
         "resize, size: [7, 3], mode: bilinear", "resize, size: [3, 7]", "resize, size: 1",
         "resize, size: 3, mode: bicubic", "pad, padding: [0, 1, 2, 0, 1, 0]",
         "transpose, order: [2, 0, 1]", "transpose, order: [0, 2, 1]", "slice, axis: 1, begin: 1",
         "slice, end: 1", "local_response_norm, size: 3"});
    return load({channels, rows, columns}, "- {name: layer, op: " + layer + "}\n");
}

Generated generated_normalisation(Draw& draw) {
    const std::string layer = draw.one_of<std::string>(
        {"group_norm, groups: 2", "instance_norm", "softmax, axis: 0", "softmax", "layer_norm"});
    return load({2 * draw(1, 3), draw(1, 5), draw(1, 5)}, "- {name: layer, op: " + layer + "}\n");
}

Generated generated_gated_network(Draw& draw) {
    const std::int64_t channels = 2 * draw(1, 4);
    const std::int64_t size = draw(3, 6);
    const std::string half = number(channels / 2);
    std::string layers =
        "- {name: first, op: conv, out_channels: " + number(channels) +
        ", kernel: 3, padding: 1, groups: " + number(draw.chance(50) ? 2 : 1) +
        "}\n- {name: act, op: " + draw.one_of<std::string>({"hard_swish", "mish", "leaky_relu"}) +
        "}\n";
    if (draw.chance(60)) {
        layers +=
            "- {name: squeeze, op: mean, axes: [1, 2]}\n"
            "- {name: reduce, op: conv, out_channels: " +
            half + ", kernel: 1}\n- {name: expand, op: conv, out_channels: " + number(channels) +
            ", kernel: 1}\n- {name: gate, op: hard_sigmoid}\n"
            "- {name: scaled, op: mul, inputs: [act, gate]}\n";
    } else {
        layers += "- {name: scaled, op: relu6}\n";
    }
    layers += "- {name: low, op: slice, inputs: [scaled], end: " + half +
              "}\n- {name: high, op: slice, inputs: [scaled], begin: " + half +
              "}\n- {name: deep, op: conv, inputs: [low], out_channels: " + half +
              ", kernel: 3, padding: 1, groups: " + half +
              "}\n- {name: sum, op: add, inputs: [deep, high]}\n";
    if (draw.chance(50)) {
        layers +=
            "- {name: both, op: concat, inputs: [sum, high]}\n"
            "- {name: up, op: resize, scale: 2}\n"
            "- {name: end, op: conv, out_channels: 3, kernel: 2, stride: 2}\n"
            "- {name: top, op: slice, axis: 1, end: 1}\n";
    } else {
        layers +=
            "- {name: turned, op: transpose, order: [1, 0, 2]}\n"
            "- {name: end, op: conv, out_channels: 4, kernel: 1}\n"
            "- {name: top, op: slice, axis: 0, begin: 3}\n";
    }
    layers += "- {name: out, op: mul, inputs: [end, top]}\n";
    return load({draw(1, 2) * 2, size, size}, layers);
}

Generated generated_recurrent(Draw& draw) {
    const std::int64_t units = draw(1, 6);
    std::string layers = "- {name: cells, hidden: " + number(units) +
                         ", result: " + draw.one_of<std::string>({"all", "last"});
    if (draw.chance(25)) {
        layers += ", op: rnn, activation: " + draw.one_of<std::string>({"tanh", "relu"});
    } else if (draw.chance(50)) {
        layers += ", op: lstm, peepholes: " + std::string(draw.chance(50) ? "true" : "false");
        layers += draw.chance(50) ? ", projection: " + number(draw(1, 4)) : "";
    } else {
        layers += ", op: gru";
    }
    return load({draw(1, 5), draw(1, 6)},
                layers + "}\n- {name: end, op: linear, out_features: 3}\n");
}

Generated generated_shared_weights(Draw& draw) {
    const std::int64_t features = draw(1, 12);
    const std::string linear = ", op: linear, out_features: " + number(features) + ", bias: false";
    std::string layers = "- {name: first" + linear + "}\n- {name: act, op: relu}\n- {name: second" +
                         linear + ", weights: first}\n";
    if (draw.chance(50)) {
        layers += "- {name: part, op: slice, inputs: [act], end: 1}\n- {name: third" + linear +
                  ", weights: first}\n- {name: sum, op: add, inputs: [second, third]}\n";
    }
    return load({draw(1, 5), features}, layers);
}

Generated generated_form(Draw& draw) {
    const std::int64_t kind = draw(1, 13);
    if (kind > 10) {
        return kind <= 12 ? generated_recurrent(draw) : generated_shared_weights(draw);
    }
    return kind <= 4   ? generated_sliding(draw)
           : kind <= 6 ? generated_conv_transpose(draw)
           : kind <= 8 ? generated_rearrangement(draw)
                       : generated_gated_network(draw);
}

}  // namespace memwall::test
