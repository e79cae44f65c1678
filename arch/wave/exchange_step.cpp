// SPDX-License-Identifier: Apache-2.0
// The kernels by which cards exchange results.
#include "arch/ring_exchange.hpp"
#include "arch/wave/emitter.hpp"
#include "base/error.hpp"

namespace memwall {

std::optional<Collective> WaveEmitter::collective(const Kernel& kernel) const {
    return collective_of(network_.layer(plan_.fused[kernel.parts.front()].root).op);
}

// MODEL: a collective is a kernel of its own, exposed: it begins when the layer before has ended,
// its words go from cache to cache over the link, and what is read and written of them on the card
// comes behind that. Cards are equally fast, so nobody waits for another one.
void WaveEmitter::exchange(const Kernel& kernel, Collective collective) {
    ensure(link_.valid(), "cards that exchange results have a link");
    RoundStep step = step_of(kernel);
    const Layer& layer = network_.layer(step.layer);
    const TensorId sent =
        collective == Collective::all_reduce ? layer.inputs.front() : layer.outputs.front();
    const Tensor& tensor = network_.tensor(sent);
    const RingExchange ring =
        ring_exchange(collective, network_.tensor_bytes(sent), machine_.parts().cards->count);
    const Component& link = machine_.component(link_);
    Move move = move_between(machine_, link_, gpu_.buffer, ring.sent);
    move.latency += machine_.clock(link.clock)
                        .edge_at_or_after(Picoseconds(
                            std::get<LinkConfig>(link.config).latency.count() * ring.steps));
    for (const LinkId used : {machine_.outbound(link_), machine_.inbound(link_),
                              machine_.read_port(gpu_.buffer), machine_.write_port(gpu_.buffer)}) {
        if (used.valid()) {
            move.links.push_back({used, ring.sent});
        }
    }
    const TensorRole role =
        collective == Collective::all_reduce ? TensorRole::partial_sums : TensorRole::outputs;
    for (const auto& [component, action] : {std::pair{gpu_.buffer, Action::read},
                                            {link_, Action::transfer},
                                            {gpu_.buffer, Action::write}}) {
        builder_.count(step.body, step.layer, component, action, role, tensor.precision,
                       ring.sent.count());
    }
    step.body.unit = exchange_.unit;
    step.body.what = std::move(move);
    wait_launch(step);
    step.posts.push_back({exchanged_});
    builder_.step(exchange_.agent, std::move(step));
}

void WaveEmitter::wait_exchange(RoundStep& step, const Kernel& kernel) const {
    if (collective(kernel)) {
        step.waits.push_back({exchanged_, builder_.posted(exchanged_)});
    }
}

}  // namespace memwall
