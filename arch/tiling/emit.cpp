// SPDX-License-Identifier: Apache-2.0
#include "arch/tiling/emit.hpp"

#include <algorithm>
#include <map>

#include "arch/core_work.hpp"
#include "arch/tiling/emitter.hpp"
#include "base/error.hpp"

namespace memwall {
namespace {

std::vector<TensorId> stored_activations(const Network& network, const NetworkPlan& plan) {
    std::vector<bool> used(network.tensors().size(), false);
    for (const FusedLayer& fused : plan.fused) {
        used[fused.output.position()] = true;
        for (const auto* list : {&fused.inputs, &fused.operands}) {
            for (const TensorId id : *list) {
                used[id.position()] = true;
            }
        }
    }
    std::vector<TensorId> all;
    for (std::size_t t = 0; t < used.size(); ++t) {
        if (used[t]) {
            all.emplace_back(t);
        }
    }
    return all;
}

}  // namespace

TilingEmitter::TilingEmitter(const Network& network, const Machine& machine,
                             const Hierarchy& hierarchy, const Cores& cores,
                             const NetworkPlan& plan, const MapperOptions& options,
                             ScheduledCache* cache)
    : network_(network),
      hierarchy_(hierarchy),
      cores_(cores),
      plan_(plan),
      options_(options),
      builder_(machine),
      cache_(cache),
      transfers_(network, hierarchy, builder_, !options.repetition, cache) {
    const ComponentId mover = hierarchy.dma.valid() ? hierarchy.dma : hierarchy.dram;
    const ComponentId medium = hierarchy.bus.valid() ? hierarchy.bus : hierarchy.buffer;
    const auto worker = [&](const std::string& name, ComponentId component) {
        // Later stages of the pipeline go first: they free what earlier ones wait for.
        const int priority = -static_cast<int>(workers_);
        ++workers_;
        return Worker{builder_.agent(name, priority), builder_.unit(name, component)};
    };
    if (hierarchy.host.valid()) {
        host_in_ = worker("host in", hierarchy.host);
    }
    fetch_weights_ = worker("fetch weights", mover);
    fetch_inputs_ = worker("fetch inputs", mover);
    fetch_operands_ = worker("fetch operands", mover);
    feed_weights_ = worker("feed weights", medium);
    feed_inputs_ = worker("feed inputs", medium);
    compute_ = {builder_.agent("compute", -static_cast<int>(workers_), hierarchy.cores), UnitId()};
    cores_.array_unit = builder_.unit("array", hierarchy.array);
    cores_.vector_unit = builder_.unit("vector", hierarchy.vector);
    reduce_ = worker("reduce", medium);
    epilogue_ = {builder_.agent("epilogue", -static_cast<int>(workers_++), hierarchy.cores),
                 cores_.vector_unit};
    drain_ = worker("drain", medium);
    store_ = worker("store", mover);
    if (hierarchy.host.valid()) {
        host_out_ = worker("host out", hierarchy.host);
    }
    core_weights_ = Ring(builder_, "core weights");
    results_ = Ring(builder_, "results");
    tile_weights_ = Ring(builder_, "weight tiles");
    for (const FusedLayer& fused : plan.fused) {
        while (core_inputs_.size() < network.layer(fused.root).space.operands.size()) {
            core_inputs_.emplace_back(builder_, "core inputs");
            tile_inputs_.emplace_back(builder_, "input tiles");
            updates_.emplace_back(builder_, "updated tiles");
        }
        while (core_operands_.size() < fused.operands.size()) {
            core_operands_.emplace_back(builder_, "core operands");
            tile_operands_.emplace_back(builder_, "operand tiles");
        }
    }
    tile_outputs_ = Ring(builder_, "output tiles");
    reduced_ = builder_.token("reduced");
    finished_ = builder_.token("epilogue done");
}

Program TilingEmitter::run() {
    place();
    load();
    // Only where no round begins before the one before it ends, and no cache knows layers apart.
    if (options_.repetition && plan_.stacks.empty() && cache_ == nullptr &&
        (options_.rounds == 1 || network_.state_bytes().count() > 0)) {
        equal_blocks_ = find_equal_blocks(network_, plan_);
    }
    for (std::size_t f = 0; f < plan_.fused.size(); ++f) {
        const bool left_out = equal_blocks_ && equal_blocks_->leaves_out(f);
        done_.push_back(left_out ? done_[equal_blocks_->stand_in(f)]
                                 : builder_.token("layer '" + layer_name(f) + "' done"));
    }
    receive_inputs();
    for (std::size_t f = 0; f < plan_.fused.size(); ++f) {
        throw_if_cancelled(options_);  // a layer may have millions of steps
        const Stack* stack = plan_.stack_of(f);
        if (stack != nullptr && stack->begin == f) {
            emit_stack(*stack);
        } else if (stack == nullptr && (!equal_blocks_ || !equal_blocks_->leaves_out(f))) {
            emit_layer(f);
        }
    }
    send_outputs();
    end_round_in_cache();
    std::vector<LayerPromise> promises;
    for (const Layer& layer : network_.layers()) {
        promises.push_back({layer.macs() / network_.batch(), false});
    }
    for (std::size_t f = 0; f < plan_.fused.size(); ++f) {
        promises[plan_.fused[f].root.position()].bound_applies = isolated(f);
    }
    Program program = builder_.finish(std::move(promises), options_.rounds, network_.batch());
    if (equal_blocks_) {
        leave_out(program);
    }
    return program;
}

/// Layers that are left out have counters all the same.
void TilingEmitter::leave_out(Program& program) const {
    const Repetition& blocks = equal_blocks_->layers;
    const std::size_t written = program.actions.size();
    for (std::int64_t copy = 1; copy <= blocks.left_out; ++copy) {
        for (std::size_t r = 0; r < written; ++r) {
            ActionKey key = program.actions.key(RowId(r));
            if (!key.layer.valid() || key.layer.position() < blocks.first ||
                key.layer.position() >= blocks.first + blocks.layers) {
                continue;
            }
            key.layer =
                LayerId(key.layer.position() + static_cast<std::size_t>(copy) * blocks.layers);
            program.actions.row(key);
        }
    }
    program.repetition = blocks;
}

/// Nothing of the layer stays on the chip across its ends.
bool TilingEmitter::isolated(std::size_t f) const {
    const FusedLayer& fused = plan_.fused[f];
    const auto kept = [&](TensorId tensor) { return plan_.kept[tensor.position()]; };
    return cache_ == nullptr && !plan_.layers[f].weights_resident && fused.epilogues.empty() &&
           !kept(fused.output) && std::none_of(fused.inputs.begin(), fused.inputs.end(), kept);
}

const std::string& TilingEmitter::layer_name(std::size_t f) const {
    return network_.layer(plan_.fused[f].root).name;
}

/// The first layer that uses the weights of layer `f`: they are stored once for all of them.
std::size_t TilingEmitter::first_with_weights(std::size_t f) const {
    const auto first = std::find_if(
        plan_.fused.begin(), plan_.fused.end(),
        [&](const FusedLayer& fused) { return fused.weights == plan_.fused[f].weights; });
    return static_cast<std::size_t>(first - plan_.fused.begin());
}

void TilingEmitter::place() {
    std::vector<TensorId> in_dram;
    for (std::size_t f = 0; f < plan_.fused.size(); ++f) {
        if (plan_.fused[f].weights.valid() && first_with_weights(f) == f) {
            in_dram.push_back(plan_.fused[f].weights);
        }
    }
    activations_ = stored_activations(network_, plan_);
    outputs_ = network_.output_storage();
    first_maker_.assign(network_.tensors().size(), -1);
    last_maker_.assign(network_.tensors().size(), -1);
    last_user_.assign(network_.tensors().size(), -1);
    for (std::size_t f = 0; f < plan_.fused.size(); ++f) {
        const FusedLayer& fused = plan_.fused[f];
        const auto user = static_cast<std::int64_t>(f);
        std::int64_t& maker = first_maker_[fused.output.position()];
        maker = maker < 0 ? user : maker;
        last_maker_[fused.output.position()] = user;
        for (const auto* list : {&fused.inputs, &fused.operands}) {
            for (const TensorId tensor : *list) {
                last_user_[tensor.position()] = user;
            }
        }
    }
    // MODEL: what layers make and read again shares places in the DRAM where lives do not meet.
    std::vector<TensorId> passing;
    std::vector<Lifetime> lives;
    for (const TensorId tensor : activations_) {
        const std::int64_t maker = first_maker_[tensor.position()];
        const std::int64_t user = last_user_[tensor.position()];
        const bool passes =
            maker >= 0 && user >= maker && !is_edge(tensor) && !network_.tensor(tensor).persists();
        if (!plan_.kept[tensor.position()] && passes) {
            passing.push_back(tensor);
            lives.push_back({static_cast<std::size_t>(maker), static_cast<std::size_t>(user),
                             network_.tensor_bytes(tensor)});
        } else if (!plan_.kept[tensor.position()]) {
            in_dram.push_back(tensor);
        } else if (is_edge(tensor)) {
            builder_.hold(hierarchy_.buffer, network_.tensor_bytes(tensor) * 2);
        }
    }
    Bytes in_dram_bytes;
    if (!passing.empty()) {
        in_dram_bytes += transfers_.place_in_dram(passing, lives);
    }
    transfers_.place_in_dram(in_dram);
    transfers_.check_fits();
    if (cache_ != nullptr) {
        builder_.hold(hierarchy_.cache, cache_->most_held());
    }
    for (const TensorId tensor : in_dram) {
        const bool in_place = network_.tensor(tensor).in_place_of.valid();
        in_dram_bytes += in_place ? Bytes(0) : network_.tensor_bytes(tensor);
    }
    builder_.hold(hierarchy_.dram, in_dram_bytes);
}

/// Before the first round: all weights into the DRAM, those that stay into the buffer.
void TilingEmitter::load() {
    weights_loaded_.resize(plan_.fused.size());
    for (std::size_t f = 0; f < plan_.fused.size(); ++f) {
        const FusedLayer& fused = plan_.fused[f];
        if (!fused.weights.valid()) {
            continue;
        }
        if (const std::size_t first = first_with_weights(f); first < f) {
            weights_loaded_[f] = weights_loaded_[first];
            continue;
        }
        const Layer& root = network_.layer(fused.root);
        const Operand* weights = root.space.find(TensorRole::weights);
        const Cargo cargo{fused.weights,
                          image(weights->projection, root.space.box()),
                          network_.tensor_bytes(fused.weights),
                          LayerId(),
                          TensorRole::weights,
                          weights->precision};
        TokenId written;
        RoundStep fetch;
        if (hierarchy_.host.valid()) {
            written = builder_.token("weights of '" + root.name + "' written");
            RoundStep receive;
            receive.body = transfers_.receive_weights(cargo, host_in_.unit);
            if (options_.images) {
                receive.body.image =
                    image_of_move(fused.weights, cargo.region, Transfers::place(hierarchy_.host),
                                  {Transfers::place(hierarchy_.dram)});
            }
            receive.posts.push_back({written});
            builder_.load(host_in_.agent, std::move(receive));
        }
        weights_loaded_[f] = written;
        if (plan_.layers[f].weights_resident) {
            const TokenId loaded = builder_.token("weights of '" + root.name + "' loaded");
            weights_loaded_[f] = loaded;
            if (written.valid()) {
                fetch.waits.push_back({written, 1});
            }
            builder_.hold(hierarchy_.buffer, cargo.bytes);
            fetch.body = transfers_.load(cargo, fetch_weights_.unit);
            fetch.posts.push_back({loaded});
            if (options_.images) {
                fetch.body.image =
                    image_of_move(fused.weights, cargo.region, Transfers::place(hierarchy_.dram),
                                  {Transfers::place(hierarchy_.buffer)});
            }
            builder_.load(fetch_weights_.agent, std::move(fetch));
        }
    }
}

bool TilingEmitter::is_edge(TensorId tensor) const {
    const Tensor& of = network_.tensor(tensor);
    const bool leaves = last_user_[tensor.position()] < 0 || outputs_[tensor.position()];
    return of.kind == TensorKind::input || (leaves && !of.persists());
}

ComponentId TilingEmitter::home(TensorId tensor) const {
    return plan_.kept[tensor.position()] ? hierarchy_.buffer : hierarchy_.dram;
}

LayerId TilingEmitter::first_reader(TensorId tensor) const {
    for (const FusedLayer& fused : plan_.fused) {
        for (const auto* list : {&fused.inputs, &fused.operands}) {
            if (std::find(list->begin(), list->end(), tensor) != list->end()) {
                return fused.root;
            }
        }
    }
    return LayerId(std::size_t{0});
}

Cargo TilingEmitter::whole(TensorId tensor, LayerId layer, TensorRole role) const {
    return {tensor, whole_region(network_, tensor),   network_.tensor_bytes(tensor), layer,
            role,   network_.tensor(tensor).precision};
}

/// Waits for all that is written of a tensor: by the layers that make it, or by the host.
void TilingEmitter::wait_done(RoundStep& step, TensorId tensor) const {
    bool made = false;
    for (std::size_t f = 0; f < done_.size(); ++f) {
        if (plan_.fused[f].output == tensor) {
            step.waits.push_back({done_[f], builder_.posted(done_[f])});
            made = true;
        }
    }
    if (!made && edge_full_[tensor.position()].valid()) {
        step.waits.push_back({edge_full_[tensor.position()], 1});
    }
}

Program emit_tiling(const Network& network, const Machine& machine, const Hierarchy& hierarchy,
                    const Cores& cores, const NetworkPlan& plan, const MapperOptions& options) {
    const auto write_down = [&](ScheduledCache* cache) {
        return TilingEmitter(network, machine, hierarchy, cores, plan, options, cache).run();
    };
    if (!hierarchy.cache.valid()) {
        return write_down(nullptr);
    }
    ScheduledCache cache(network, hierarchy.cache_config->capacity);
    write_down(&cache);
    cache.resolve();
    return write_down(&cache);
}

}  // namespace memwall
