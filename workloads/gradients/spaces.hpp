// SPDX-License-Identifier: Apache-2.0
// Iteration spaces of gradients: the points of a forward layer, seen from another of its operands.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "workloads/gradients/backward.hpp"

namespace memwall::gradients {

/// An operand that is read.
Operand reads(TensorId tensor, Projection projection);
/// The result; its tensor is made with the layer.
Operand makes(Projection projection);
/// All words of an activation of this shape, one dimension an axis, the batch in front.
Projection whole(const Shape& shape, std::int64_t batch);

/// All words of what is one for all items, and a space that goes over them; up to five axes.
Projection flat(const Shape& shape);
IterationSpace flat_space(const Shape& shape, PointOperation operation, std::int64_t operations);

/// The same points with other names: what `result` walks along are the channels and positions of
/// the new space, everything else is summed over (C, R, S, T, the longest in C), so that mappers
/// find each dimension where an array has it. `space` has no outputs yet, `result` becomes them.
IterationSpace seen_from(IterationSpace space, const Projection& result);

/// One axis of an input that a window slides over, from the input's side: input s p + d r - before
/// meets the outputs p that used it. Where stride and dilation have a common factor only every so
/// many inputs are met; the axes are those of these alone.
struct GatheredAxis {
    Axis made;    ///< the places that are met, as a result
    Axis read;    ///< the outputs that meet a place
    Axis kernel;  ///< the kernel's elements between them
    Axis place;   ///< the same places among all of the input
    Dim output = Dim::P, inner = Dim::R, phase = Dim::U;
    std::int64_t steps = 1, taps = 1, phases = 1;
    std::int64_t apart = 1;  ///< from one place that is met to the next
    std::int64_t begin = 0;  ///< the first one
};

/// `whole`: the padding's gradient is made too, and dropped, so that every pair of an output and a
/// kernel element comes up once.
GatheredAxis gather(const Axis& input, const Extents& extents, bool whole);
void set_extents(const GatheredAxis& axis, IterationSpace& space);

/// Adds the gradient of input 0, [channels, ...], which `layer` makes for the places that are met:
/// with zeros between them where not all are. `axes`: all behind the channels.
TensorId add_gathered(Backward& step, BackwardLayer layer, const std::vector<GatheredAxis>& axes);

/// Sums over all axes of a tensor of `shape` (and the batch) but `kept`, each point `operations`.
/// `copies` results for each place, along an axis in front where there are more than one.
struct Reduction {
    std::string part;
    Shape shape;
    std::vector<std::size_t> kept;
    std::vector<TensorId> read;  ///< tensors of this shape
    std::int64_t operations = 1;
    std::int64_t copies = 1;
};
TensorId reduce(Backward& step, const Reduction& reduction);
BackwardLayer reduction_layer(const Reduction& reduction, std::int64_t batch);

}  // namespace memwall::gradients
