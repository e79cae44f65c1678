// SPDX-License-Identifier: Apache-2.0
// The interface of a layer kind: it reads its keys, then makes an iteration space of the shapes of
// its inputs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/yaml.hpp"
#include "workloads/gradients/backward.hpp"
#include "workloads/iteration_space.hpp"
#include "workloads/network.hpp"

namespace memwall {

/// What a layer looks like once the shapes of its inputs are known, of one item (N = 1).
struct LayerPlan {
    Shape output;
    Shape weights;  ///< empty where the op has none
    /// One operand for each input in order, then the weights if there are any, then the outputs;
    /// their tensors and precisions are filled in by the reader. No operands: a rename of words.
    IterationSpace space;
    std::int64_t other_parameters = 0;
    bool state = false;  ///< the result stays in memory from item to item
    std::optional<std::size_t> scaled_axis = std::nullopt;  ///< of OpForm::scale: the channels

    friend bool operator==(const LayerPlan&, const LayerPlan&) = default;
};

/// Where a part of a composite reads: an input of the composite, or the result of an earlier part.
struct PartSource {
    enum class Kind : std::uint8_t { input, part };
    Kind kind = Kind::input;
    std::size_t position = 0;

    friend bool operator==(const PartSource&, const PartSource&) = default;
};

/// One primitive layer of a composite.
struct LayerPart {
    std::string name;  ///< behind the composite's: "scores" in "attn.scores"; "" for the result
    std::string op;    ///< the primitive layer kind
    std::vector<PartSource> inputs;
    LayerPlan plan;
    std::optional<std::size_t> weights_of;  ///< an earlier part whose weights this one uses too

    friend bool operator==(const LayerPart&, const LayerPart&) = default;
};

/// The primitive layers that one layer of a file stands for: itself, or the parts of a composite
/// (attention, moe) in order. The last one makes the result and bears the layer's name.
struct Expansion {
    Expansion(LayerPlan plan);  // NOLINT(google-explicit-constructor): a primitive is its own part
    explicit Expansion(std::vector<LayerPart> all) : parts(std::move(all)), composite(true) {}

    std::vector<LayerPart> parts;
    bool composite = false;

    friend bool operator==(const Expansion&, const Expansion&) = default;
};

/// What a layer kind needs to know of the layer that it plans.
struct PlanRequest {
    const std::string& layer;          ///< its name, for messages
    const std::vector<Shape>& inputs;  ///< as many as the op takes, of rank 1 to 4, sizes above 0
    const SourceMark& where;
    Diagnostics& faults;
    bool channels_first = false;  ///< the first input is an image, or what windows made of one

    /// Reports "layer 'NAME': MESSAGE" at the layer's place. For use as `return
    /// request.fault(...)`.
    std::nullopt_t fault(const std::string& message) const;
};

/// The plan for given shapes, or a fault reported and nothing. A primitive may return a LayerPlan.
using Planner = std::function<std::optional<Expansion>(const PlanRequest&)>;

/// What may be done with a layer of a kind beside running it.
enum class OpForm {
    compute,
    scale,   ///< a factor and an offset a channel: folds into the layer before it where that has
             ///< weights (batch_norm)
    part,    ///< takes a part of its input along one axis: free, unless it is a result of the
             ///< network (slice)
    append,  ///< writes new positions behind those that a state tensor has: free where they can be
             ///< made in place (cache)
    join     ///< puts its inputs behind each other along one axis: free where they can be made in
             ///< place (concat)
};

struct Op {
    const char* name;
    std::size_t least_inputs;
    std::size_t most_inputs;
    OpForm form;
    /// Reads the op's own keys; faults go to the reader and reading goes on.
    Planner (*read)(MapReader& keys);
    /// How its layers are turned round in training; nullptr where that is not known.
    GradientRule gradient = nullptr;
    bool channels_first = false;  ///< its results are channels, then places
};

/// The layer kinds that are built in: the one list. Duplicate names are an internal error.
const std::vector<Op>& builtin_ops();
/// nullptr where there is no such op.
const Op* find_op(std::string_view name);
/// How layers of a kind are turned round, those that only occur as parts of composites among them;
/// nullptr where that is not known.
GradientRule find_gradient(std::string_view op);
std::vector<std::string> op_names();

inline constexpr std::size_t kAnyNumberOfInputs = 4096;

}  // namespace memwall
