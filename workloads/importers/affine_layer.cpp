// SPDX-License-Identifier: Apache-2.0
#include "workloads/importers/affine_layer.hpp"

#include <algorithm>
#include <set>

#include "workloads/importers/text_lines.hpp"

namespace memwall::importers {
namespace {

constexpr double kMostPoints = 1e14;

/// What a loop is to a matrix product.
enum class Role { heads, rows, inner, columns };

class Classifier {
public:
    explicit Classifier(const AffineNest& nest)
        : nest_(nest),
          in_weights_(loops_of(nest.weights)),
          in_inputs_(loops_of(nest.inputs)),
          in_outputs_(loops_of(nest.outputs)) {}

    AffineLayer classify() {
        if (!check_sizes() || !find_windows() || !sort_loops()) {
            return layer_;
        }
        if (nest_.pooling) {
            as_pool();
        } else if (nest_.two_activations) {
            as_product_of_two();
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
        return layer_.kernel.size() <= 3 || fault("windows over more than three axes");
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
                (nest_.two_activations && is_batch(dim, nest_.sizes) ? layer_.batch
                                                                     : layer_.groups) *= extent;
            } else if (w && o) {
                filters_ *= extent;
            } else if (w && i) {
                channels_ *= extent;
            } else if (i && o) {
                (divides_items(dim) ? layer_.batch : shared_) *= extent;
            } else if (extent > 1) {
                return fault("the loop '" + dim + "' of " + std::to_string(extent) +
                             " is none of a convolution's or a matrix product's");
            }
        }
        return true;
    }

    /// Whether a batch is told apart from the positions of a matrix product.
    [[nodiscard]] bool divides_items(const std::string& dim) const {
        return is_batch(dim, nest_.sizes) &&
               std::any_of(nest_.sizes.begin(), nest_.sizes.end(), [&](const auto& other) {
                   return other.first != dim && in_inputs_.contains(other.first) &&
                          in_outputs_.contains(other.first);
               });
    }

    [[nodiscard]] bool is_of_batch(const std::string& dim) const {
        const bool of_all = in_weights_.contains(dim) && in_inputs_.contains(dim);
        return of_all ? nest_.two_activations && is_batch(dim, nest_.sizes)
                      : in_inputs_.contains(dim) && divides_items(dim);
    }

    [[nodiscard]] Role role_of(const std::string& dim) const {
        if (!in_outputs_.contains(dim)) {
            return Role::inner;
        }
        return !in_weights_.contains(dim)  ? Role::rows
               : !in_inputs_.contains(dim) ? Role::columns
                                           : Role::heads;
    }

    /// Our axes in the order in which those of an operand stand, each at the first of its loops;
    /// empty where a loop of one stands between those of another.
    [[nodiscard]] AxisOrder stated_order(const std::vector<AffineAxis>& axes,
                                         const std::vector<Role>& ours) const {
        AxisOrder order;
        for (const AffineAxis& axis : axes) {
            const std::string& dim = axis[0].dim;
            if (size(dim) == 1 || is_of_batch(dim)) {
                continue;
            }
            const auto place = static_cast<std::size_t>(
                std::find(ours.begin(), ours.end(), role_of(dim)) - ours.begin());
            if (std::find(order.begin(), order.end(), place) == order.end()) {
                order.push_back(place);
            } else if (order.back() != place) {
                return {};
            }
        }
        for (std::size_t place = 0; place < ours.size(); ++place) {
            if (std::find(order.begin(), order.end(), place) == order.end()) {
                order.insert(order.begin() + static_cast<std::ptrdiff_t>(place), place);
            }
        }
        return order;
    }

    /// What a window over `positions` reaches, without padding.
    [[nodiscard]] std::int64_t reach(std::size_t axis) const {
        return layer_.stride[axis] * (positions_[axis] - 1) +
               layer_.dilation[axis] * (layer_.kernel[axis] - 1) + 1;
    }

    void as_product() {
        layer_.op = "linear";
        layer_.out_channels = filters_;
        layer_.input = {shared_, channels_};
        layer_.output = {shared_, filters_};
        layer_.input_order = stated_order(nest_.inputs, {Role::rows, Role::inner});
        layer_.output_order = stated_order(nest_.outputs, {Role::rows, Role::columns});
    }

    void as_product_of_two() {
        if (!layer_.kernel.empty()) {
            fault("a convolution with a kernel that another layer makes");
        } else if (filters_ == 1 && channels_ == 1 && shared_ == 1) {
            as_elementwise();
        } else {
            as_matmul();
        }
    }

    void as_matmul() {
        layer_.op = "matmul";
        std::vector<Role> read = {Role::rows, Role::inner};
        std::vector<Role> second = {Role::inner, Role::columns};
        std::vector<Role> made = {Role::rows, Role::columns};
        layer_.input = {shared_, channels_};
        layer_.second = {channels_, filters_};
        layer_.output = {shared_, filters_};
        if (layer_.groups > 1) {
            for (std::vector<Role>* roles : {&read, &second, &made}) {
                roles->insert(roles->begin(), Role::heads);
            }
            for (Shape* shape : {&layer_.input, &layer_.second, &layer_.output}) {
                shape->insert(shape->begin(), layer_.groups);
            }
        }
        if (states_columns_first()) {
            layer_.transpose = true;
            std::swap(second[second.size() - 2], second.back());
            std::swap(layer_.second[second.size() - 2], layer_.second.back());
        }
        layer_.input_order = stated_order(nest_.inputs, read);
        layer_.second_order = stated_order(nest_.weights, second);
        layer_.output_order = stated_order(nest_.outputs, made);
    }

    [[nodiscard]] bool states_columns_first() const {
        for (const AffineAxis& axis : nest_.weights) {
            const std::string& dim = axis[0].dim;
            if (size(dim) > 1 && (role_of(dim) == Role::columns || role_of(dim) == Role::inner)) {
                return role_of(dim) == Role::columns;
            }
        }
        return false;
    }

    void as_elementwise() {
        layer_.op = "mul";
        for (const AffineAxis& axis : nest_.outputs) {
            if (!is_of_batch(axis[0].dim)) {
                layer_.output.push_back(size(axis[0].dim));
            }
        }
        if (layer_.output.empty() || layer_.output.size() > 4) {
            fault("has " + std::to_string(layer_.output.size()) + " axes");
        }
        layer_.input = layer_.output;
        layer_.second = layer_.output;
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
        set_images(channels_ * layer_.groups, layer_.out_channels);
    }

    void set_images(std::int64_t read, std::int64_t made) {
        layer_.input = {read};
        layer_.output = {made};
        for (std::size_t axis = 0; axis < positions_.size(); ++axis) {
            layer_.input.push_back(reach(axis));
            layer_.output.push_back(positions_[axis]);
        }
    }

    void as_pool() {
        two_axes();
        if (filters_ > 1 || channels_ > 1) {
            fault("pooling over channels");
        }
        layer_.op = "average_pool";
        const std::int64_t planes = shared_ * layer_.groups;
        set_images(planes, planes);
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
    if (op == "matmul" || op == "mul") {
        if (transpose) {
            layer.set_flag("transpose", true);
        }
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

std::set<std::string> loops_of(const std::vector<AffineAxis>& axes) {
    std::set<std::string> loops;
    for (const AffineAxis& axis : axes) {
        for (const AffineTerm& term : axis) {
            loops.insert(term.dim);
        }
    }
    return loops;
}

bool is_batch(const std::string& loop, const std::map<std::string, std::int64_t>& sizes) {
    const auto has = [&](const char* name) {
        return std::any_of(sizes.begin(), sizes.end(),
                           [&](const auto& each) { return lower(each.first) == name; });
    };
    const std::string name = lower(loop);
    return name == "b" || (name == "n" && (has("c") || !has("m")));
}

AxisOrder order_between(const Shape& made, const AxisOrder& there, const Shape& read,
                        const AxisOrder& here) {
    AxisOrder between(read.size());
    if (made.size() != read.size() || there.size() != made.size() || here.size() != read.size()) {
        return {};
    }
    for (std::size_t axis = 0; axis < read.size(); ++axis) {
        if (made[there[axis]] != read[here[axis]]) {
            return {};
        }
        between[here[axis]] = there[axis];
    }
    return between;
}

AffineLayer classify(const AffineNest& nest) {
    return Classifier(nest).classify();
}

}  // namespace memwall::importers
