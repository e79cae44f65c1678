// SPDX-License-Identifier: Apache-2.0
// attention: queries, keys and values of any number of heads, as matrix products and a softmax; and
// cache, the keys or values that stay from item to item.
#include <algorithm>

#include "workloads/ops/build.hpp"
#include "workloads/ops/composite.hpp"
#include "workloads/ops/families.hpp"

namespace memwall::ops {
namespace {

struct AttentionKeys {
    bool causal = false;
    std::int64_t window = 0;   ///< 0: none
    std::int64_t context = 0;  ///< positions that are in the cache before
    bool cache = false;        ///< keys and values stay from item to item
};

std::optional<LayerPlan> plan_cache(std::int64_t context, const PlanRequest& request) {
    const Shape& input = request.inputs[0];
    if (input.size() < 2 || input.size() > 3) {
        return request.fault(
            "cache needs an input of shape [positions, features] or [heads, positions, features], "
            "found " +
            text(input));
    }
    const std::size_t axis = input.size() - 2;
    LayerPlan plan;
    plan.output = input;
    plan.output[axis] += context;
    plan.state = true;
    plan.space = elementwise_space(input, PointOperation::vector, 1);
    std::vector<Axis> made = shape_axes(input);
    made[axis].offset = context;
    made[axis].extent = plan.output[axis];
    plan.space.operands = {inputs_operand(shape_axes(input)), outputs_operand(std::move(made))};
    return plan;
}

Planner cache(std::int64_t context) {
    return [=](const PlanRequest& request) { return plan_cache(context, request); };
}

Planner reshape(Shape to) {
    return [to = std::move(to)](const PlanRequest& request) { return plan_reshape(to, request); };
}

bool shapes_meet(const AttentionKeys& keys, const PlanRequest& request) {
    const Shape& q = request.inputs[0];
    const Shape& k = request.inputs[1];
    const Shape& v = request.inputs[2];
    const bool three = q.size() == 3 && k.size() == 3 && v.size() == 3;
    if (!three || q[0] % k[0] != 0 || k[0] != v[0] || k[1] != v[1] || q[2] != k[2]) {
        request.fault(
            "attention needs queries [heads, positions, features], keys [kv_heads, "
            "positions, features] and values [kv_heads, positions, features] with heads "
            "a multiple of kv_heads; found " +
            text(q) + ", " + text(k) + " and " + text(v));
        return false;
    }
    if ((keys.causal || keys.cache) && q[1] != k[1]) {
        request.fault("causal attention and a cache need as many queries as new keys; found " +
                      text(q) + " and " + text(k));
        return false;
    }
    return true;
}

// MODEL: of attention with a window the cache keeps what a later query can see, the last W - 1
// positions, as the rolling buffer of Jiang et al. (Mistral 7B, 2023) does.
std::int64_t kept_positions(const AttentionKeys& keys) {
    if (!keys.cache) {
        return 0;
    }
    return keys.window > 0 ? std::min(keys.context, keys.window - 1) : keys.context;
}

// Grouped queries are rows of one matrix: heads that share keys and values lie behind each other,
// so what they share is one operand and no mapper can read it twice without need.
std::optional<Expansion> plan_attention(const AttentionKeys& keys, const PlanRequest& request) {
    if (!shapes_meet(keys, request)) {
        return std::nullopt;
    }
    const Shape& q = request.inputs[0];
    const Shape& k = request.inputs[1];
    const std::int64_t group = q[0] / k[0];
    Composite parts(request);
    PartSource key_rows = Composite::input(1);
    PartSource value_rows = Composite::input(2);
    const std::int64_t earlier = kept_positions(keys);
    if (keys.cache) {
        key_rows = parts.add("keys", "cache", {key_rows}, cache(earlier));
        value_rows = parts.add("values", "cache", {value_rows}, cache(earlier));
    }
    PartSource queries = Composite::input(0);
    if (group > 1) {
        queries = parts.add("queries", "reshape", {queries}, reshape({k[0], group * q[1], q[2]}));
    }
    const std::int64_t positions = k[1] + earlier;
    MatmulKeys product;
    if (keys.window > 0 && positions > keys.window + q[1] - 1) {
        product.last = keys.window + q[1] - 1;  // older ones no query sees
    }
    const std::int64_t columns = product.last > 0 ? product.last : positions;
    std::optional<CausalKeys> causal;
    if (keys.causal && q[1] > 1) {
        causal = CausalKeys{q[1], keys.window >= columns ? 0 : keys.window};
    }
    product.causal = causal;
    product.transpose = true;
    const auto times = [](const MatmulKeys& of) -> Planner {
        return [=](const PlanRequest& each) { return plan_matmul(of, each); };
    };
    const PartSource scores = parts.add("scores", "matmul", {queries, key_rows}, times(product));
    const PartSource softmax = parts.add("softmax", "softmax", {scores}, plan_softmax(causal));
    product.transpose = false;
    const PartSource context =
        parts.add("context", "matmul", {softmax, value_rows}, times(product));
    parts.add("", "reshape", {context}, reshape({q[0], q[1], request.inputs[2][2]}));
    return parts.finish();
}

}  // namespace

Planner read_attention(MapReader& keys) {
    AttentionKeys read;
    read.causal = keys.optional<bool>("causal", false);
    if (keys.has("window")) {
        read.window = keys.required_positive<std::int64_t>("window");
    }
    read.cache = keys.optional<bool>("cache", false);
    read.context = keys.optional<std::int64_t>("context", 0);
    if (read.context < 0 || read.context > kMostPositions) {
        keys.error("context", "'context' in " + keys.what() + ": expected a value from 0 to " +
                                  std::to_string(kMostPositions));
        read.context = 0;
    }
    if (read.context > 0 && !read.cache) {
        keys.error("context", "'context' in " + keys.what() + " needs 'cache: true'");
    }
    if (read.window > 0 && !read.causal) {
        keys.error("window", "'window' in " + keys.what() + " needs 'causal: true'");
    }
    return [=](const PlanRequest& request) { return plan_attention(read, request); };
}

Planner read_cache(MapReader& keys) {
    const auto context = keys.optional<std::int64_t>("context", 0);
    if (context < 0 || context > kMostPositions) {
        keys.error("context", "'context' in " + keys.what() + ": expected a value from 0 to " +
                                  std::to_string(kMostPositions));
        return cache(0);
    }
    return cache(context);
}

}  // namespace memwall::ops
