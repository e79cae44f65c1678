// SPDX-License-Identifier: Apache-2.0
// The ways of sums: those that go on are fetched, what a visit made goes up, what is finished meets
// its epilogues.
#include <algorithm>

#include "arch/core_work.hpp"
#include "arch/loop_nest/layer_emitter.hpp"
#include "base/quantity.hpp"

namespace memwall {

bool LayerEmitter::sums_begin(std::size_t step, std::size_t level) const {
    const std::vector<Dim> dims = space_.reduction_dims();
    return std::all_of(dims.begin(), dims.end(),
                       [&](Dim dim) { return steps_.tile(step, level)[dim].begin == 0; });
}

bool LayerEmitter::sums_end(std::size_t step, std::size_t level) const {
    const std::vector<Dim> dims = space_.reduction_dims();
    return std::all_of(dims.begin(), dims.end(), [&](Dim dim) {
        return steps_.tile(step, level)[dim].end == space_.extent(dim);
    });
}

/// Whether no step before, of the visit that goes on, added to the results of this one.
bool LayerEmitter::first_in_visit(std::size_t step) const {
    for (std::size_t before = sums_.front().begun; before < step; ++before) {
        if (key(before, steps_.moved()) == key(step, steps_.moved())) {
            return false;
        }
    }
    return true;
}

std::vector<std::int64_t> LayerEmitter::key(std::size_t step, std::size_t level) const {
    std::vector<std::int64_t> begins;
    for (const Range& range : image(space_.outputs().projection, steps_.tile(step, level))) {
        begins.push_back(range.begin);
    }
    return begins;
}

/// A visit of a tile of results begins; sums that were there before come back.
void LayerEmitter::load_sums(std::size_t step, std::size_t k) {
    Sums& sums = sums_[k];
    ++sums.visits;
    sums.begun = step;
    sums.reserved = false;
    const bool after_load = sums.waits_for_load;
    sums.waits_for_load = !sums_begin(step, sums.child);
    if (!sums.waits_for_load) {
        return;
    }
    const Projection& results = space_.outputs().projection;
    const Box& tile = steps_.tile(step, sums.child);
    Flow flow{sums.parent, sums.child, TensorRole::partial_sums, space_.accumulator};
    flow.down = touched_words(results, tile);
    flow.arrive = flow.down;
    NestEmitter::Worker& worker =
        out_.worker("sums back to " + at(sums.child), out_.mover(sums.parent, sums.child));
    RoundStep load;
    load.layer = mapped_.root;
    load.body = out_.move(mapped_.root, {flow}, worker.unit);
    add_dram(load.body, flow, space_.outputs().tensor, image(results, tile), false);
    load.waits.push_back({sums.free, sums.visits - sums.slots});
    load.waits.push_back({sums.drained, sums.drain_of.at(key(step, sums.child))});
    if (!after_load) {
        // Slots are taken in order: the visit before has its own.
        load.waits.push_back(
            k == 0 ? RoundWait{sums.full, sums.visits - 1}
                   : RoundWait{sums_[k - 1].drained, out_.builder_.posted(sums_[k - 1].drained)});
    }
    if (k + 1 < sums_.size() && sums_[k + 1].waits_for_load) {
        load.waits.push_back({sums_[k + 1].loaded, sums_[k + 1].loads});
    }
    wait_for_layer_before(worker.agent, load);
    load.posts.push_back({sums.loaded});
    sums.reserved = true;
    ++sums.loads;
    if (out_.options_.images) {
        load.body.image = std::make_shared<StepImage>(sums_image(step, k, true, false));
    }
    out_.builder_.step(worker.agent, std::move(load));
}

/// What goes up when a visit ends: results where it was the last one, else sums.
std::vector<Flow> LayerEmitter::flows_up(std::size_t step, const Sums& sums) const {
    const Projection& results = space_.outputs().projection;
    const std::int64_t words = touched_words(results, steps_.tile(step, sums.child));
    const std::int64_t leave = arriving(sums.begun, sums.child, results);
    const bool adds = mapped_.machine.memories[sums.child - 1].reduces;
    const std::int64_t up = adds ? words : leave;
    const LayerId maker = sums.parent == 0 ? mapped_.last() : mapped_.root;
    const Precision made = out_.network_.layer(maker).space.outputs().precision;
    const std::int64_t finals = sums_end(step, sums.child) ? words : 0;
    Flow whole{sums.parent, sums.child, TensorRole::outputs, made};
    whole.stored = sums.parent == 0 ? out_.stored(out_.network_.layer(maker).outputs.front()) : 1;
    whole.up = finals;
    whole.leave = leave == up && leave == words ? finals : 0;
    Flow partial{sums.parent, sums.child, TensorRole::partial_sums, space_.accumulator};
    partial.up = up - finals;
    partial.leave = leave - whole.leave;
    // Where the way up adds nothing, each further instance changes what the parent has.
    partial.down = up - words;
    partial.arrive = up - words;
    partial.added = leave - up;
    std::vector<Flow> flows;
    if (mapped_.machine.stays(sums.parent, sums.child, TensorRole::outputs)) {
        return {Flow{sums.parent, sums.child, TensorRole::outputs, made}};
    }
    if (finals > 0) {
        flows.push_back(whole);
    }
    if (partial.up + partial.leave > 0) {
        flows.push_back(partial);
    }
    if (flows.empty()) {  // the tile lies in padding
        flows.push_back(whole);
    }
    return flows;
}

/// A visit of a tile of results ends: it goes up, and where it is finished its epilogues run.
void LayerEmitter::drain(std::size_t step, std::size_t k) {
    Sums& sums = sums_[k];
    const Projection& results = space_.outputs().projection;
    const Box& tile = steps_.tile(step, sums.child);
    const bool finished = sums_end(step, sums.child);
    const bool outermost = sums.parent == 0;
    const auto ready = RoundWait{k == 0 ? sums.full : sums_[k - 1].drained,
                                 k == 0 ? sums.visits : out_.builder_.posted(sums_[k - 1].drained)};
    RoundWait finished_by = ready;
    const Region region = image(results, tile);
    if (outermost && finished && !mapped_.epilogues.empty()) {
        const TokenId done = run_epilogues(tile, touched_words(results, tile), sums.child, ready);
        finished_by = {done, out_.builder_.posted(done)};
    }
    const std::vector<Flow> flows = flows_up(step, sums);
    NestEmitter::Worker& worker =
        out_.worker("results of " + at(sums.child), out_.mover(sums.parent, sums.child));
    RoundStep store;
    store.layer = mapped_.root;
    store.body = out_.move(mapped_.root, flows, worker.unit);
    const TensorId made = out_.network_.layer(mapped_.last()).outputs.front();
    for (const Flow& flow : flows) {
        add_dram(store.body, flow, made, region, true);
    }
    store.waits.push_back(finished_by);
    if (!outermost) {
        Sums& above = sums_[k + 1];
        if (!above.reserved) {
            store.waits.push_back({above.free, above.visits - above.slots});
            above.reserved = true;
        }
        if (above.waits_for_load) {
            store.waits.push_back({above.loaded, above.loads});
        }
    }
    store.posts.push_back({sums.free});
    store.posts.push_back({sums.drained});
    if (out_.options_.images) {
        store.body.image = std::make_shared<StepImage>(sums_image(step, k, false, finished));
    }
    if (outermost && step + 1 == steps_.size()) {
        finish(store);
    }
    out_.builder_.step(worker.agent, std::move(store));
    sums.drain_of[key(step, sums.child)] = out_.builder_.posted(sums.drained);
}

/// The layers that run on `words` results of a tile, which lie at a level.
TokenId LayerEmitter::run_epilogues(const Box& tile, std::int64_t words, std::size_t level,
                                    const RoundWait& ready) {
    const Projection& results = space_.outputs().projection;
    Cores cores;
    cores.array = out_.hierarchy_.array();
    cores.vector = out_.hierarchy_.vector();
    cores.vector_config = out_.hierarchy_.vector_config();
    cores.vector_unit = out_.vector_unit_;
    const std::int64_t units = out_.machine_.component(cores.vector).instances;
    NestEmitter::Worker& worker = out_.worker("epilogue", cores.vector);
    RoundWait before = ready;
    TokenId done;
    for (const LayerId id : mapped_.epilogues) {
        const Layer& layer = out_.network_.layer(id);
        RoundStep step;
        step.layer = id;
        step.body =
            epilogue_body(out_.builder_, cores, layer, id, words, ceil_divide(words, units));
        step.waits.push_back(before);
        done = out_.builder_.token("'" + layer.name + "' on the way out");
        step.posts.push_back({done});
        before = {done, 1};
        if (out_.options_.images) {
            const Place at = place(level, 0);
            StepImage image;
            for (const Box& part : boxes_without_gaps(results, tile)) {
                const Box own = box_of_results(layer, memwall::image(results, part));
                image.computes.push_back({id, own, at, at, at, true, false});
            }
            step.body.image = std::make_shared<StepImage>(std::move(image));
        }
        out_.builder_.step(worker.agent, std::move(step));
    }
    return done;
}

/// A step that computes waits for the place of its results, or for the sums that it goes on with.
void LayerEmitter::wait_and_post_sums(std::size_t step, RoundStep& work) {
    if (sums_.empty()) {
        if (streamed_back_.valid()) {
            work.waits.push_back({streamed_back_, out_.builder_.posted(streamed_back_)});
        }
        work.posts.push_back({computed_});
        return;
    }
    Sums& sums = sums_.front();
    const Projection& results = space_.outputs().projection;
    const bool begins = starts(step, sums.child, results);
    if (begins && sums.waits_for_load) {
        work.waits.push_back({sums.loaded, sums.loads});
    }
    if (!sums.reserved) {
        work.waits.push_back({sums.free, sums.visits - sums.slots});
        sums.reserved = true;
    }
    if (ends(step, sums.child, results)) {
        work.posts.push_back({sums.full});
    }
    if (out_.options_.images) {
        work.body.image = std::make_shared<StepImage>(
            computed_image(step, first_in_visit(step), sums.waits_for_load));
    }
}

/// Sums that no moved level keeps come back a share a step.
void LayerEmitter::stream_sums_back(std::size_t step) {
    const BoundaryTraffic& all = mapped_.counts.boundary(out_operand_, 0);
    const auto i = static_cast<std::int64_t>(step);
    const auto n = static_cast<std::int64_t>(steps_.size());
    Flow flow{all.parent, all.child, TensorRole::partial_sums, space_.accumulator};
    flow.down = share(all.reads, i, n);
    flow.arrive = share(all.deliveries, i, n);
    if (flow.down == 0) {
        return;
    }
    if (streams_sums_ == nullptr) {
        streams_sums_ =
            &out_.worker("stream sums back to " + at(all.child), out_.mover(all.parent, all.child));
    }
    NestEmitter::Worker& worker = *streams_sums_;
    RoundStep load;
    load.layer = mapped_.root;
    load.body = out_.move(mapped_.root, {flow}, worker.unit);
    add_dram(load.body, flow, space_.outputs().tensor, {}, false);
    wait_for_layer_before(worker.agent, load);
    // Two shares may be on their way.
    load.waits.push_back({computed_, out_.builder_.posted(computed_) - 1});
    load.posts.push_back({streamed_back_});
    out_.builder_.step(worker.agent, std::move(load));
}

/// Results that no moved level keeps go up a share a step.
void LayerEmitter::stream_results(std::size_t step) {
    const BoundaryTraffic& all = mapped_.counts.boundary(out_operand_, 0);
    const auto i = static_cast<std::int64_t>(step);
    const auto n = static_cast<std::int64_t>(steps_.size());
    const std::int64_t finals = all.drained_finals();
    Flow whole{all.parent, all.child, TensorRole::outputs, space_.outputs().precision};
    whole.stored = out_.stored(space_.outputs().tensor);
    whole.up = share(all.finals, i, n);
    whole.leave = share(finals, i, n);
    Flow partial{all.parent, all.child, TensorRole::partial_sums, space_.accumulator};
    partial.up = share(all.partials(), i, n);
    partial.leave = share(all.drains - finals, i, n);
    partial.added = share(all.additions(), i, n);
    if (streams_results_ == nullptr) {
        streams_results_ =
            &out_.worker("stream results of " + at(all.child), out_.mover(all.parent, all.child));
    }
    NestEmitter::Worker& worker = *streams_results_;
    RoundStep store;
    store.layer = mapped_.root;
    store.body = out_.move(mapped_.root, {whole, partial}, worker.unit);
    const Region region = image(space_.outputs().projection, steps_.tile(step, steps_.moved()));
    for (const Flow& flow : {whole, partial}) {
        add_dram(store.body, flow, space_.outputs().tensor, region, true);
    }
    RoundWait ready{computed_, out_.builder_.posted(computed_)};
    if (const std::int64_t results = share(all.finals, i, n);
        !mapped_.epilogues.empty() && results > 0) {
        const TokenId done =
            run_epilogues(steps_.tile(step, steps_.moved()), results, all.child, ready);
        ready = {done, out_.builder_.posted(done)};
    }
    store.waits.push_back(ready);
    if (step + 1 == steps_.size()) {
        finish(store);
    }
    out_.builder_.step(worker.agent, std::move(store));
}

}  // namespace memwall
