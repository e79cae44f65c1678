// SPDX-License-Identifier: Apache-2.0
// Where tensors of a tiled program begin and end: the network's inputs and outputs over the host
// link, and the last use of what goes through a cache.
#include <algorithm>
#include <vector>

#include "arch/tiling/emitter.hpp"

namespace memwall {

// MODEL: where state is kept, a round follows from the one before: the host sends its inputs when
// it has the outputs of that (the next token of a language model).
void TilingEmitter::receive_inputs() {
    if (network_.state_bytes().count() > 0 && hierarchy_.host.valid()) {
        answered_ = builder_.token("answer there");
    }
    edge_full_.resize(network_.tensors().size());
    edge_free_.resize(network_.tensors().size());
    for (const TensorId tensor : activations_) {
        if (!is_edge(tensor) || !hierarchy_.host.valid()) {
            continue;
        }
        const std::string& name = network_.tensor(tensor).name;
        edge_full_[tensor.position()] = builder_.token("'" + name + "' there");
        edge_free_[tensor.position()] = builder_.token("'" + name + "' used");
        if (network_.tensor(tensor).kind != TensorKind::input) {
            continue;
        }
        const LayerId reader = first_reader(tensor);
        RoundStep step;
        step.layer = reader;
        transfers_.receive(step, whole(tensor, reader, TensorRole::inputs), home(tensor),
                           host_in_.unit);
        step.body.edge = NetworkEdge::input;
        step.waits.push_back({edge_free_[tensor.position()], -1});
        step.posts.push_back({edge_full_[tensor.position()]});
        if (answered_.valid()) {
            step.waits.push_back({answered_, 0});
        }
        if (options_.images) {
            step.body.image =
                image_of_move(tensor, whole_region(network_, tensor),
                              Transfers::place(hierarchy_.host), {Transfers::place(home(tensor))});
        }
        builder_.step(host_in_.agent, std::move(step));
    }
}

void TilingEmitter::send_outputs() {
    for (const TensorId tensor : activations_) {
        const std::int64_t maker = first_maker_[tensor.position()];
        if (!is_edge(tensor) || !hierarchy_.host.valid() || maker < 0) {
            continue;
        }
        const auto f = static_cast<std::size_t>(maker);
        RoundStep step;
        step.layer = plan_.fused[f].last();
        transfers_.send(step, whole(tensor, step.layer, TensorRole::outputs), home(tensor),
                        host_out_.unit);
        if (cache_ != nullptr) {
            cache_->drop(tensor);
        }
        step.body.edge = NetworkEdge::output;
        wait_done(step, tensor);
        if (const std::int64_t user = last_user_[tensor.position()]; user >= 0) {
            const TokenId read = done_[static_cast<std::size_t>(user)];
            step.waits.push_back({read, builder_.posted(read)});
        }
        step.posts.push_back({edge_free_[tensor.position()]});
        if (answered_.valid()) {
            step.posts.push_back({answered_});
        }
        if (options_.images) {
            step.body.image =
                image_of_move(tensor, whole_region(network_, tensor),
                              Transfers::place(home(tensor)), {Transfers::place(hierarchy_.host)});
        }
        builder_.step(host_out_.agent, std::move(step));
    }
}

/// What a layer was the last to use has no place in the cache any more; what leaves the network
/// without a host to take it goes to the DRAM.
void TilingEmitter::end_lives_in_cache(std::size_t f) {
    if (cache_ == nullptr) {
        return;
    }
    const auto at = static_cast<std::int64_t>(f);
    const auto lies_outside = [&](TensorId tensor) {
        return !plan_.kept[tensor.position()] && !network_.tensor(tensor).persists();
    };
    const TensorId output = plan_.fused[f].output;
    if (lies_outside(output) && is_edge(output) && !hierarchy_.host.valid()) {
        cache_->clean(output);
    }
    std::vector<TensorId> touched = plan_.fused[f].inputs;
    touched.insert(touched.end(), plan_.fused[f].operands.begin(), plan_.fused[f].operands.end());
    touched.push_back(output);
    for (const TensorId tensor : touched) {
        const std::size_t t = tensor.position();
        const bool sent = outputs_[t] && hierarchy_.host.valid();
        if (lies_outside(tensor) && !sent && std::max(last_user_[t], last_maker_[t]) == at) {
            cache_->drop(tensor);
        }
    }
}

// MODEL: cards of a pipeline take groups of users in turn: what a cache has of the state of one
// group goes back to the DRAM when its round ends, and the next finds none of its own.
void TilingEmitter::end_round_in_cache() {
    if (cache_ == nullptr || !builder_.machine().parts().cards) {
        return;
    }
    for (std::size_t t = 0; t < network_.tensors().size(); ++t) {
        const TensorId tensor(t);
        if (network_.tensor(tensor).kind == TensorKind::state &&
            network_.storage(tensor) == tensor) {
            cache_->clean(tensor);
            cache_->drop(tensor);
        }
    }
}

}  // namespace memwall
