// SPDX-License-Identifier: Apache-2.0
#include "workloads/importers/affine_layer.hpp"

#include <algorithm>
#include <set>

#include "workloads/importers/text_lines.hpp"

namespace memwall::importers {
namespace {

constexpr double kMostPoints = 1e14;

std::set<std::string> dims_of(const std::vector<AffineAxis>& axes) {
    std::set<std::string> dims;
    for (const AffineAxis& axis : axes) {
        for (const AffineTerm& term : axis) {
            dims.insert(term.dim);
        }
    }
    return dims;
}

bool is_batch(const std::string& dim) {
    const std::string name = lower(dim);
    return name == "n" || name == "b";
}

class Classifier {
public:
    explicit Classifier(const AffineNest& nest)
        : nest_(nest),
          in_weights_(dims_of(nest.weights)),
          in_inputs_(dims_of(nest.inputs)),
          in_outputs_(dims_of(nest.outputs)) {}

    AffineLayer classify() {
        if (!check_sizes() || !find_windows() || !sort_loops()) {
            return layer_;
        }
        if (nest_.pooling) {
            as_pool();
        } else if (layer_.kernel.empty() && layer_.groups == 1) {
            as_product();
        } else {
            as_conv();
        }
        return layer_;
    }

private:
    bool fault(const std::string& message) {
        layer_.fault = message;
        return false;
    }

    [[nodiscard]] std::int64_t size(const std::string& dim) const {
        const auto found = nest_.sizes.find(dim);
        return found == nest_.sizes.end() ? 1 : found->second;
    }

    bool check_sizes() {
        double points = 1;
        for (const auto& [dim, extent] : nest_.sizes) {
            points *= static_cast<double>(extent);
        }
        return points <= kMostPoints || fault("has more than 10^14 operations");
    }

    /// A window slides along an axis that sums a loop of the outputs and one of the weights.
    bool find_windows() {
        for (const AffineAxis& axis : nest_.inputs) {
            if (axis.size() == 1 && axis[0].coefficient == 1) {
                continue;
            }
            AffineTerm position = {"", 1};
            AffineTerm tap = {"", 1};
            for (const AffineTerm& term : axis) {
                AffineTerm& slot = in_outputs_.contains(term.dim) ? position : tap;
                if (!slot.dim.empty() || term.coefficient < 1) {
                    return fault("an axis of the inputs is no sliding window");
                }
                slot = term;
            }
            if (!tap.dim.empty() && !in_weights_.contains(tap.dim)) {
                return fault("'" + tap.dim + "' is a loop of the inputs alone");
            }
            window_dims_.insert({position.dim, tap.dim});
            layer_.kernel.push_back(size(tap.dim));
            layer_.stride.push_back(position.coefficient);
            layer_.dilation.push_back(tap.coefficient);
            positions_.push_back(size(position.dim));
        }
        return layer_.kernel.size() <= 2 || fault("windows over more than two axes");
    }

    bool sort_loops() {
        for (const auto& [dim, extent] : nest_.sizes) {
            if (window_dims_.contains(dim)) {
                continue;
            }
            const bool w = in_weights_.contains(dim);
            const bool i = in_inputs_.contains(dim);
            const bool o = in_outputs_.contains(dim);
            if (w && i && o) {
                layer_.groups *= extent;
            } else if (w && o) {
                filters_ *= extent;
            } else if (w && i) {
                channels_ *= extent;
            } else if (i && o) {
                (is_batch(dim) && in_product_with_more(dim) ? layer_.batch : shared_) *= extent;
            } else if (extent > 1) {
                return fault("the loop '" + dim + "' of " + std::to_string(extent) +
                             " is none of a convolution's or a matrix product's");
            }
        }
        return true;
    }

    /// Whether a batch is told apart from the positions of a matrix product.
    [[nodiscard]] bool in_product_with_more(const std::string& dim) const {
        return std::any_of(nest_.sizes.begin(), nest_.sizes.end(), [&](const auto& other) {
            return other.first != dim && in_inputs_.contains(other.first) &&
                   in_outputs_.contains(other.first);
        });
    }

    /// What a window over `positions` reaches, without padding.
    [[nodiscard]] std::int64_t reach(std::size_t axis) const {
        return layer_.stride[axis] * (positions_[axis] - 1) +
               layer_.dilation[axis] * (layer_.kernel[axis] - 1) + 1;
    }

    void as_product() {
        layer_.op = "linear";
        layer_.out_channels = filters_;
        layer_.weights = {channels_, filters_};
        layer_.input = {shared_, channels_};
        layer_.output = {shared_, filters_};
    }

    void two_axes() {
        while (layer_.kernel.size() < 2) {
            layer_.kernel.push_back(1);
            layer_.stride.push_back(1);
            layer_.dilation.push_back(1);
            // Positions of a product by groups are the rows of its image.
            positions_.push_back(positions_.empty() ? shared_ : 1);
        }
    }

    void as_conv() {
        const bool product = layer_.kernel.empty();
        two_axes();
        if (!product && shared_ > 1) {
            layer_.batch *= shared_;
        }
        layer_.op = "conv";
        layer_.out_channels = filters_ * layer_.groups;
        layer_.input = {channels_ * layer_.groups, reach(0), reach(1)};
        layer_.output = {layer_.out_channels, positions_[0], positions_[1]};
    }

    void as_pool() {
        two_axes();
        if (filters_ > 1 || channels_ > 1) {
            fault("pooling over channels");
        }
        layer_.op = "average_pool";
        const std::int64_t planes = shared_ * layer_.groups;
        layer_.input = {planes, reach(0), reach(1)};
        layer_.output = {planes, positions_[0], positions_[1]};
    }

    const AffineNest& nest_;
    std::set<std::string> in_weights_, in_inputs_, in_outputs_, window_dims_;
    std::vector<std::int64_t> positions_;
    std::int64_t filters_ = 1, channels_ = 1, shared_ = 1;
    AffineLayer layer_;
};

}  // namespace

void AffineLayer::set_keys(DraftLayer& layer, const std::vector<std::int64_t>& padding) const {
    layer.op = op;
    if (op == "matmul") {
        return;
    }
    if (op == "linear") {
        layer.set("out_features", out_channels).set_flag("bias", false);
        return;
    }
    if (op == "conv") {
        layer.set("out_channels", out_channels);
    }
    layer.set_list("kernel", kernel).set_list("stride", stride).set_list("dilation", dilation);
    layer.set_list("padding", padding);
    if (op == "conv") {
        layer.set("groups", groups).set_flag("bias", false);
    }
}

AffineLayer classify(const AffineNest& nest) {
    return Classifier(nest).classify();
}

}  // namespace memwall::importers
