// SPDX-License-Identifier: Apache-2.0
#include "tests/support/generated_layers.hpp"

#include <algorithm>

#include "workloads/network_yaml.hpp"

namespace memwall::test {
namespace {

std::string pair(std::int64_t rows, std::int64_t columns) {
    return "[" + std::to_string(rows) + ", " + std::to_string(columns) + "]";
}

/// A window along one axis and an image that it fits.
struct WindowAxis {
    std::int64_t image;
    std::int64_t kernel;
    std::int64_t stride;
    std::int64_t dilation;
    std::int64_t before;
    std::int64_t after;
};

WindowAxis draw_window(Draw& draw, bool symmetric) {
    WindowAxis axis{};
    axis.kernel = draw(1, 4);
    axis.stride = draw(1, 3);
    axis.dilation = draw.chance(30) ? draw(2, 3) : 1;
    const std::int64_t window = axis.dilation * (axis.kernel - 1) + 1;
    axis.before = std::min(draw(0, 2), window - 1);
    axis.after = symmetric ? axis.before : std::min(draw(0, 2), window - 1);
    const std::int64_t least = std::max<std::int64_t>(1, window - axis.before - axis.after);
    axis.image = draw(least, least + 7);
    return axis;
}

std::string window_keys(const WindowAxis& rows, const WindowAxis& columns) {
    return "kernel: " + pair(rows.kernel, columns.kernel) +
           ", stride: " + pair(rows.stride, columns.stride) +
           ", dilation: " + pair(rows.dilation, columns.dilation) + ", padding: [" +
           std::to_string(rows.before) + ", " + std::to_string(columns.before) + ", " +
           std::to_string(rows.after) + ", " + std::to_string(columns.after) + "]";
}

std::string shape(std::int64_t channels, std::int64_t rows, std::int64_t columns) {
    return text(Shape{channels, rows, columns});
}

Generated load(const std::string& input_shape, const std::string& layers) {
    Generated made;
    made.yaml = "network: generated\ninputs: {image: " + input_shape + "}\nlayers:\n" + layers;
    Diagnostics faults;
    made.network = load_network(read_yaml_text(made.yaml, "generated.yaml", faults), faults);
    faults.throw_if_any();
    return made;
}

/// Writes the layers of a network, keeping the rows and columns of the image.
class Chain {
public:
    Chain(Draw& draw, std::int64_t channels, std::int64_t size)
        : draw_(draw), channels_(channels), size_(size) {}

    void add_block() {
        const std::string entry = last_;
        const std::int64_t entry_channels = channels_;
        const std::int64_t entry_size = size_;
        const std::int64_t kind = draw_(1, 10);
        if (kind == 1 && size_ >= 4) {
            size_ /= 2;
            add(draw_.one_of<std::string>({"max_pool", "average_pool"}), ", kernel: 2, stride: 2");
        } else {
            add_conv(kind <= 4 ? channels_ : draw_(1, 6), kind == 10 && size_ >= 4);
        }
        if (draw_.chance(50)) {
            add("batch_norm", "");
        }
        const bool same = channels_ == entry_channels && size_ == entry_size;
        if (same && draw_.chance(60)) {
            add("add", ", inputs: [" + last_ + ", " + entry + "]");
        } else if (size_ == entry_size && draw_.chance(30) && entry_channels < 8) {
            channels_ += entry_channels;
            add("concat", ", inputs: [" + entry + ", " + last_ + "]");
        }
        if (draw_.chance(60)) {
            add(draw_.one_of<std::string>({"relu", "gelu", "sigmoid"}), "");
        }
    }

    void add_end() {
        add("flatten", "");
        add("linear", ", out_features: " + std::to_string(draw_(1, 10)));
    }

    [[nodiscard]] const std::string& layers() const { return layers_; }

private:
    void add(const std::string& op, const std::string& keys) {
        last_ = op + std::to_string(++count_);
        layers_ += "- {name: " + last_ + ", op: " + op + keys + "}\n";
    }

    void add_conv(std::int64_t channels, bool halves) {
        const std::int64_t kernel = draw_.one_of<std::int64_t>({1, 3});
        channels_ = channels;
        size_ = halves ? (size_ + 1) / 2 : size_;
        add("conv", ", out_channels: " + std::to_string(channels) + ", kernel: " +
                        std::to_string(kernel) + ", stride: " + std::to_string(halves ? 2 : 1) +
                        ", padding: " + std::to_string(kernel / 2));
    }

    Draw& draw_;
    std::int64_t channels_;
    std::int64_t size_;
    std::string last_ = "image";
    std::string layers_;
    int count_ = 0;
};

}  // namespace

Generated generated_conv(Draw& draw) {
    const bool symmetric = draw.chance(60);
    const WindowAxis rows = draw_window(draw, symmetric);
    const WindowAxis columns = draw_window(draw, symmetric);
    const std::int64_t groups = draw.chance(30) ? draw(2, 4) : 1;
    const std::int64_t inputs = groups * draw(1, groups > 1 ? 2 : 6);
    const std::int64_t outputs = groups * draw(1, groups > 1 ? 2 : 6);
    return load(shape(inputs, rows.image, columns.image),
                "- {name: conv, op: conv, out_channels: " + std::to_string(outputs) + ", groups: " +
                    std::to_string(groups) + ", " + window_keys(rows, columns) + "}\n");
}

Generated generated_linear(Draw& draw) {
    const std::int64_t inputs = draw(1, 40);
    const Shape input = draw.chance(50) ? Shape{inputs} : Shape{draw(1, 8), inputs};
    return load(text(input), "- {name: linear, op: linear, out_features: " +
                                 std::to_string(draw(1, 30)) + "}\n");
}

Generated generated_pool(Draw& draw) {
    const std::string op = draw.one_of<std::string>({"max_pool", "average_pool", "global_pool"});
    const bool symmetric = draw.chance(60);
    const WindowAxis rows = draw_window(draw, symmetric);
    const WindowAxis columns = draw_window(draw, symmetric);
    return load(shape(draw(1, 6), rows.image, columns.image),
                "- {name: pool, op: " + op +
                    (op == "global_pool" ? "" : ", " + window_keys(rows, columns)) + "}\n");
}

Generated generated_attention(Draw& draw, bool cache) {
    const std::int64_t positions = draw(1, 5);
    const std::int64_t kv_heads = draw(1, 3);
    const std::int64_t heads = kv_heads * draw(1, 3);
    const std::int64_t features = draw(1, 5);
    const auto projection = [&](const char* name, std::int64_t count) {
        return std::string("- {name: ") + name +
               ", op: linear, inputs: image, out_features: " + std::to_string(count * features) +
               ", heads: " + std::to_string(count) + "}\n";
    };
    std::string keys;
    if (cache || draw.chance(50)) {
        keys += ", causal: true";
        keys += draw.chance(40) ? ", window: " + std::to_string(draw(1, 6)) : "";
    }
    keys += cache ? ", cache: true, context: " + std::to_string(draw(0, 6)) : "";
    return load(
        text(Shape{positions, draw(1, 6)}),
        projection("q", heads) + "- {name: turned, op: rotary}\n" + projection("k", kv_heads) +
            projection("v", kv_heads) + "- {name: attn, op: attention, inputs: [turned, k, v]" +
            keys + "}\n" + "- {name: o, op: linear, merge_heads: true, out_features: " +
            std::to_string(draw(1, 6)) + ", last: " + std::to_string(draw(1, positions)) + "}\n");
}

Generated generated_embedding(Draw& draw) {
    const std::string norm = draw.chance(50) ? "rms_norm" : "layer_norm";
    const std::string positions = draw.chance(70) ? "- {name: p, op: position_embedding, "
                                                    "class_tokens: " +
                                                        std::to_string(draw(0, 2)) + "}\n"
                                                  : "";
    Shape numbers = {draw(1, 6)};
    const bool bags = draw.chance(30);
    if (bags) {
        numbers.push_back(draw(1, 5));
    }
    return load(text(numbers),
                "- {name: e, op: embedding, rows: " + std::to_string(draw(1, 12)) +
                    ", features: " + std::to_string(draw(1, 9)) + (bags ? ", pool: true" : "") +
                    "}\n" + positions + "- {name: n, op: " + norm + "}\n" +
                    "- {name: o, op: linear, out_features: " + std::to_string(draw(1, 7)) + "}\n");
}

Generated generated_mixture(Draw& draw) {
    const std::int64_t experts = draw(1, 4);
    return load(
        text(Shape{draw(1, 5)}),
        "- {name: e, op: embedding, rows: " + std::to_string(draw(1, 9)) +
            ", features: " + std::to_string(draw(1, 6)) + "}\n" +
            "- {name: p, op: position_embedding, class_tokens: " + std::to_string(draw(0, 1)) +
            "}\n" + "- {name: m, op: moe, experts: " + std::to_string(experts) + ", top_k: " +
            std::to_string(draw(1, experts)) + ", features: " + std::to_string(draw(1, 6)) +
            ", gated: " + (draw.chance(50) ? "true" : "false") + "}\n" +
            "- {name: sum, op: add, inputs: [m, p]}\n");
}

Generated generated_layer(Draw& draw) {
    const std::int64_t kind = draw(1, 10);
    return kind <= 6   ? generated_conv(draw)
           : kind <= 8 ? generated_linear(draw)
                       : generated_pool(draw);
}

Generated generated_network(Draw& draw, int blocks) {
    const std::int64_t channels = draw(1, 4);
    const std::int64_t size = draw(3, 8);
    Chain chain(draw, channels, size);
    for (int block = 0; block < blocks; ++block) {
        chain.add_block();
    }
    if (draw.chance(50)) {
        chain.add_end();
    }
    return load(shape(channels, size, size), chain.layers());
}

}  // namespace memwall::test
