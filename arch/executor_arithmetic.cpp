// SPDX-License-Identifier: Apache-2.0
#include "arch/executor_arithmetic.hpp"

#include <algorithm>
#include <string>

#include "arch/fused_layer.hpp"
#include "base/error.hpp"

namespace memwall {
namespace {

/// A step's own results may leave with it.
bool made_by(const StepImage& image, const MovePiece& piece) {
    return std::any_of(image.computes.begin(), image.computes.end(),
                       [&](const ComputePiece& made) { return made.results == piece.from; });
}

}  // namespace

/// Reads and writes of one piece: weights, inputs, the running result of an epilogue.
class StepArithmetic::Access final : public OperandReader, public ResultWriter {
public:
    Access(StepArithmetic& owner, const ComputePiece& piece, const Doing& doing)
        : owner_(owner),
          piece_(piece),
          doing_(doing),
          layer_(owner.network_.layer(piece.layer)),
          started_(static_cast<std::size_t>(owner.stored_.count(layer_.space.outputs().tensor))) {}

    std::int64_t read(std::size_t o, std::int64_t position) override {
        const Operand& operand = layer_.space.operands[o];
        const TensorId running = owner_.running_[piece_.layer.position()];
        const Place place =
            operand.role == TensorRole::weights ? piece_.weights
            : running.valid() && !piece_.alone && owner_.stored_.storage(operand.tensor) == running
                ? piece_.results
                : piece_.operands;
        return owner_.word(place, operand.tensor, position, doing_, piece_.layer);
    }

    std::int64_t& at(std::int64_t position) override {
        const TensorId tensor = layer_.space.outputs().tensor;
        const auto p = static_cast<std::size_t>(position);
        if (piece_.first && !started_[p]) {
            started_[p] = true;
            owner_.memory_.write(piece_.results, tensor, position, neutral(layer_), doing_);
        }
        return owner_.word(piece_.results, tensor, position, doing_, piece_.layer);
    }

private:
    StepArithmetic& owner_;
    const ComputePiece& piece_;
    const Doing& doing_;
    const Layer& layer_;
    std::vector<bool> started_;
};

StepArithmetic::StepArithmetic(const Network& network, const Machine& machine,
                               const StoredWords& stored, ExecutorMemory& memory)
    : network_(network),
      machine_(machine),
      stored_(stored),
      memory_(memory),
      running_(network.layers().size()) {
    for (const FusedLayer& fused : fuse_layers(network)) {
        LayerId before = fused.root;
        for (const LayerId epilogue : fused.epilogues) {
            running_[epilogue.position()] = network.storage(network.layer(before).outputs.front());
            before = epilogue;
        }
    }
}

void StepArithmetic::check_sources(const StepImage& image, const Doing& doing, LayerId layer) {
    for (const MovePiece& piece : image.moves) {
        if (!made_by(image, piece)) {
            for (const std::int64_t position : stored_.positions(piece.tensor, piece.region)) {
                word(piece.from, piece.tensor, position, doing, layer);
            }
        }
    }
}

void StepArithmetic::perform(const StepImage& image, const Doing& doing, LayerId layer) {
    for (const ComputePiece& piece : image.computes) {
        compute(piece, doing);
    }
    for (const MovePiece& piece : image.moves) {
        move(piece, doing, layer);
    }
}

std::int64_t& StepArithmetic::word(Place place, TensorId tensor, std::int64_t position,
                                   const Doing& doing, LayerId layer) {
    std::int64_t* found = memory_.find(place, tensor, position, doing);
    if (found == nullptr) {
        missing(place, tensor, position, doing, layer);
    }
    return *found;
}

void StepArithmetic::move(const MovePiece& piece, const Doing& doing, LayerId layer) {
    for (const std::int64_t position : stored_.positions(piece.tensor, piece.region)) {
        const std::int64_t value = word(piece.from, piece.tensor, position, doing, layer);
        for (const Place& to : piece.to) {
            if (to == piece.from) {
                continue;
            }
            if (piece.add) {
                auto& sum = word(to, piece.tensor, position, doing, layer);
                sum = static_cast<std::int64_t>(static_cast<std::uint64_t>(sum) +
                                                static_cast<std::uint64_t>(value));
            } else {
                memory_.write(to, piece.tensor, position, value,
                              {doing.round, doing.step, piece.buffer, piece.filling});
            }
        }
    }
}

void StepArithmetic::compute(const ComputePiece& piece, const Doing& doing) {
    Access access(*this, piece, doing);
    evaluate(network_.layer(piece.layer), piece.box, stored_, access, access);
    points_ += piece.box.points();
}

void StepArithmetic::missing(Place place, TensorId tensor, std::int64_t position,
                             const Doing& doing, LayerId layer) const {
    std::string where = machine_.component(place.memory).name;
    if (place.lane >= 0) {
        where += "[" + std::to_string(place.lane) + "]";
    }
    fail((layer.valid() ? "layer '" + network_.layer(layer).name + "'" : "loading") +
         " reads word " + std::to_string(position) + " of '" + network_.tensor(tensor).name +
         "' in '" + where + "', where it is not, in round " + std::to_string(doing.round));
}

}  // namespace memwall
