// SPDX-License-Identifier: Apache-2.0
#include "arch/wave/emitter.hpp"

#include <algorithm>
#include <cmath>

#include "arch/core_split.hpp"
#include "base/error.hpp"

namespace memwall {
namespace {

constexpr std::int64_t kLeastParts = 16;
constexpr std::int64_t kMostParts = 64;

/// The `part`-th of `parts` equal shares of a whole, as a range.
Range share(std::int64_t whole, std::int64_t part, std::int64_t parts) {
    const auto edge = [&](std::int64_t at) {
        return whole / parts * at + whole % parts * at / parts;
    };
    return {edge(part), edge(part + 1)};
}

std::int64_t sum(const std::vector<KernelFlow>& flows) {
    std::int64_t bytes = 0;
    for (const KernelFlow& flow : flows) {
        bytes += flow.bytes;
    }
    return bytes;
}

/// MODEL: a tensor instruction adds 32 bytes of the depth to sums in the registers; an elementwise
/// one takes three operands of 32 bits, also where it multiplies and adds.
constexpr std::int64_t kDepthBytes = 32;
constexpr std::int64_t kVectorOperandBytes = 12;

}  // namespace

WaveEmitter::WaveEmitter(const Network& network, const Machine& machine, const Hierarchy& gpu,
                         const WavePlan& plan, const MapperOptions& options)
    : network_(network),
      machine_(machine),
      gpu_(gpu),
      plan_(plan),
      options_(options),
      builder_(machine),
      address_(network.tensors().size()) {
    // Later stages go first: they free what earlier ones wait for.
    if (gpu.dma.valid()) {
        launch_ = {builder_.agent("launch", 0), builder_.unit("launch", gpu.dma)};
    }
    // MODEL: reads and writes take turns at the DRAM.
    const UnitId memory = builder_.unit("memory", gpu.dram);
    fetch_ = {builder_.agent("fetch", -1), memory};
    feed_ = {builder_.agent("feed", -2),
             builder_.unit("feed", gpu.bus.valid() ? gpu.bus : gpu.buffer)};
    compute_ = builder_.agent("compute", -3, gpu.cores);
    array_ = builder_.unit("array", gpu.array);
    vector_ = builder_.unit("vector", gpu.vector);
    drain_ = {builder_.agent("drain", -4), builder_.unit("drain", gpu.buffer)};
    store_ = {builder_.agent("store", -5), memory};
    if (const auto& cards = machine.parts().cards; cards && cards->tensor_parallel()) {
        link_ = machine.find(cards->link);
        exchange_ = {builder_.agent("exchange", -6), builder_.unit("exchange", link_)};
        exchanged_ = builder_.token("exchanged");
    }
    constexpr std::int64_t kFetchesAhead = 4;
    fetched_ = Ring(builder_, "fetched", kFetchesAhead);
    fed_ = Ring(builder_, "fed");
    results_ = Ring(builder_, "results");
    written_ = Ring(builder_, "written", kFetchesAhead);
    launched_ = builder_.token("launched");
    done_ = builder_.token("results in the cache");
}

Program WaveEmitter::run() {
    place();
    for (std::size_t k = 0; k < plan_.kernels.size(); ++k) {
        throw_if_cancelled(options_);
        launch(k);
        emit_kernel(k);
    }
    std::vector<LayerPromise> promises;
    for (const Layer& layer : network_.layers()) {
        promises.push_back({layer.macs() / network_.batch(), false});
    }
    return builder_.finish(std::move(promises), options_.rounds, network_.batch());
}

/// Weights and state have places of their own in the DRAM; activations share theirs where their
/// lives do not meet.
void WaveEmitter::place() {
    std::vector<std::size_t> first(network_.tensors().size(), plan_.kernels.size());
    std::vector<std::size_t> last(network_.tensors().size(), 0);
    std::int64_t held = 0;
    for (std::size_t k = 0; k < plan_.kernels.size(); ++k) {
        held = std::max(held, plan_.kernels[k].held);
        for (const auto* flows : {&plan_.kernels[k].feeds, &plan_.kernels[k].drains}) {
            for (const KernelFlow& flow : *flows) {
                first[flow.tensor.position()] = std::min(first[flow.tensor.position()], k);
                last[flow.tensor.position()] = std::max(last[flow.tensor.position()], k);
            }
        }
    }
    const Bytes row = gpu_.dram_config->row;
    Allocator dram(gpu_.dram_config->capacity, row);
    std::vector<TensorId> passing;
    std::vector<Lifetime> lives;
    for (std::size_t t = 0; t < first.size(); ++t) {
        const TensorId id(t);
        const Tensor& tensor = network_.tensor(id);
        if (first[t] == plan_.kernels.size()) {
            continue;
        }
        if (tensor.is_weight() || tensor.persists()) {
            address_[t] = dram.allocate(tensor.name, network_.tensor_bytes(id));
        } else {
            // An input is there before the first kernel, and an output after the last.
            const bool input = tensor.kind == TensorKind::input;
            const bool output = tensor.consumers.empty();
            passing.push_back(id);
            lives.push_back({input ? 0 : first[t], output ? plan_.kernels.size() - 1 : last[t],
                             network_.tensor_bytes(id)});
        }
    }
    const SharedSpace space = share_space(lives, row);
    const std::int64_t begin = dram.allocate("activations", space.size);
    for (std::size_t p = 0; p < passing.size(); ++p) {
        address_[passing[p].position()] = begin + space.offsets[p];
    }
    if (dram.missing().count() > 0) {
        const Diagnostic fault{machine_.component(gpu_.dram).capacity_where,
                               "network '" + network_.name() +
                                   "' does not fit the dram of machine '" + machine_.name() +
                                   "': " + format_bytes(dram.missing()) + " are missing"};
        if (gpu_.turns_of_users) {  // the cards may be divided otherwise
            throw DoesNotFit({fault});
        }
        throw InputError({fault});
    }
    builder_.hold(gpu_.dram, dram.used());
    builder_.hold(gpu_.buffer, Bytes(held));
}

/// A kernel starts when the one before has ended; the first of a round, when the round before has.
void WaveEmitter::launch(std::size_t k) {
    RoundStep step = step_of(plan_.kernels[k]);
    Move move =
        move_between(machine_, gpu_.dma.valid() ? gpu_.dma : gpu_.dram, gpu_.buffer, Bytes(0));
    if (gpu_.dma.valid()) {
        move.occupies = std::get<DmaConfig>(machine_.component(gpu_.dma).config).setup;
        step.body.unit = launch_.unit;
    } else {
        step.body.unit = feed_.unit;
    }
    step.body.what = move;
    step.waits.push_back({done_, builder_.posted(done_)});
    step.posts.push_back({launched_});
    builder_.step(gpu_.dma.valid() ? launch_.agent : fetch_.agent, std::move(step));
}

void WaveEmitter::emit_kernel(std::size_t k) {
    const Kernel& kernel = plan_.kernels[k];
    const std::int64_t parts = std::clamp(kernel.waves, kLeastParts, kMostParts);
    const bool fetches = sum(kernel.fetches) > 0;
    const bool stores = sum(kernel.stores) > 0;
    if (const auto found = collective(kernel)) {
        exchange(kernel, *found);
    }
    for (std::int64_t part = 0; part < parts; ++part) {
        if (fetches) {
            fetch(kernel, part, parts);
        }
        feed(kernel, part, parts);
        compute(kernel, part, parts);
        drain(kernel, part, parts);
        if (stores) {
            store(kernel, part, parts);
        }
    }
}

RoundStep WaveEmitter::step_of(const Kernel& kernel) const {
    RoundStep step;
    step.layer = plan_.fused[kernel.parts.front()].root;
    return step;
}

void WaveEmitter::wait_launch(RoundStep& step) const {
    step.waits.push_back({launched_, builder_.posted(launched_)});
}

void WaveEmitter::count(StepBody& body, const KernelFlow& flow, ComponentId component,
                        Action action, std::int64_t bytes) {
    builder_.count(body, flow.layer, component, action, flow.role, flow.precision, bytes);
}

DramAccess WaveEmitter::access(const KernelFlow& flow, std::int64_t begin, std::int64_t bytes,
                               bool write) const {
    const std::int64_t whole =
        std::max<std::int64_t>(1, network_.tensor_bytes(flow.tensor).count());
    DramAccess access;
    access.dram = gpu_.dram_id;
    // What is read again begins again at the front.
    access.address = address_[flow.tensor.position()] + begin % whole;
    access.piece = Bytes(bytes);
    access.write = write;
    return access;
}

/// A part of all flows between the DRAM and the cache, one way or the other.
RoundStep WaveEmitter::at_memory(const Kernel& kernel, const std::vector<KernelFlow>& flows,
                                 std::int64_t part, std::int64_t parts, bool write) {
    RoundStep step = step_of(kernel);
    const ComponentId from = write ? gpu_.buffer : gpu_.dram;
    const ComponentId to = write ? gpu_.dram : gpu_.buffer;
    Move move = move_between(machine_, from, to, Bytes(0));
    for (const KernelFlow& flow : flows) {
        const Range range = share(flow.bytes, part, parts);
        if (range.size() > 0) {
            move.dram.push_back(access(flow, range.begin, range.size(), write));
            count(step.body, flow, from, Action::read, range.size());
            count(step.body, flow, to, Action::write, range.size());
            move.delivered += Bytes(range.size());
        }
    }
    step.body.unit = write ? store_.unit : fetch_.unit;
    step.body.what = std::move(move);
    return step;
}

void WaveEmitter::fetch(const Kernel& kernel, std::int64_t part, std::int64_t parts) {
    RoundStep step = at_memory(kernel, kernel.fetches, part, parts, false);
    fetched_.fill(step);
    wait_launch(step);
    builder_.step(fetch_.agent, std::move(step));
}

void WaveEmitter::feed(const Kernel& kernel, std::int64_t part, std::int64_t parts) {
    RoundStep step = step_of(kernel);
    Move move = move_between(machine_, gpu_.buffer, gpu_.operands, Bytes(0));
    Bytes read(0);
    for (const auto* flows : {&kernel.feeds, &kernel.sums}) {
        for (const KernelFlow& flow : *flows) {
            const std::int64_t bytes = share(flow.bytes, part, parts).size();
            const std::int64_t shared = share(flow.shared, part, parts).size();
            count(step.body, flow, gpu_.buffer, Action::read, bytes - shared);
            count(step.body, flow, gpu_.bus, Action::transfer, bytes - shared);
            count(step.body, flow, gpu_.bus, Action::hop, shared);
            count(step.body, flow, gpu_.operands, Action::write, bytes);
            move.delivered += Bytes(bytes);
            read += Bytes(bytes - shared);
        }
    }
    if (read.count() > 0) {
        move.links.push_back({machine_.read_port(gpu_.buffer), read});
        if (gpu_.bus.valid()) {
            move.links.push_back({machine_.medium(gpu_.bus), read});
        }
    }
    move.links.erase(std::remove_if(move.links.begin(), move.links.end(),
                                    [](const LinkUse& use) { return !use.link.valid(); }),
                     move.links.end());
    step.body.unit = feed_.unit;
    step.body.what = std::move(move);
    fed_.fill(step);
    wait_exchange(step, kernel);
    if (sum(kernel.fetches) > 0) {
        fetched_.use(step, fetched_.last());
        fetched_.release(step);
    } else {
        wait_launch(step);
    }
    builder_.step(feed_.agent, std::move(step));
}

void WaveEmitter::compute(const Kernel& kernel, std::int64_t part, std::int64_t parts) {
    RoundStep step = step_of(kernel);
    const Range cycles = share(std::llround(kernel.core_cycles), part, parts);
    Compute compute;
    compute.occupies = Cycles(std::max<std::int64_t>(1, cycles.size()));
    compute.lanes_occupied = compute.occupies * gpu_.cores;
    step.body.unit = uses_arrays(kernel) ? array_ : vector_;
    step.body.what = compute;
    if (part == 0) {  // counters are sums over the kernel
        for (const auto* flows : {&kernel.feeds, &kernel.sums}) {
            for (const KernelFlow& flow : *flows) {
                count(step.body, flow, gpu_.operands, Action::read, flow.taken);
            }
        }
        for (const std::size_t f : kernel.parts) {
            count_arithmetic(step.body, f, product_of(kernel, f), kernel.slices);
        }
        if (kernel.attention) {
            const LayerId values = plan_.fused[kernel.parts.back()].root;
            count_vector(step.body, values, network_.layer(values).precision.accumulator,
                         kernel.attention->rescaling);
        }
    }
    fed_.use(step, fed_.last());
    fed_.release(step);
    results_.fill(step);
    builder_.step(compute_, std::move(step));
}

void WaveEmitter::count_vector(StepBody& body, LayerId layer, Precision precision,
                               std::int64_t operations) {
    builder_.count(body, layer, gpu_.vector, Action::vector, TensorRole::outputs, precision,
                   operations);
    if (gpu_.vector_config->instructions) {
        builder_.count(body, layer, gpu_.vector, Action::issue, TensorRole::outputs, precision,
                       operations * kVectorOperandBytes);
    }
}

/// The multiply-accumulates of a layer, on the arrays or on the elementwise lanes.
void WaveEmitter::count_product(StepBody& body, LayerId id, const KernelProduct& product) {
    const Layer& layer = network_.layer(id);
    const Precision accumulator = layer.precision.accumulator;
    const Precision precision = array_shape(*gpu_.array_config, layer.precision)->precision;
    const std::int64_t done = done_macs(network_, layer, *gpu_.array_config);
    const bool on_array = product.blocks.has_value();
    const ComponentId unit = on_array ? gpu_.array : gpu_.vector;
    const auto count = [&](ComponentId component, Action action, TensorRole role, std::int64_t n) {
        const bool sums = role == TensorRole::partial_sums;
        builder_.count(body, id, component, action, role, sums ? accumulator : precision, n);
    };
    count(unit, Action::mac, TensorRole::outputs, done);
    count(unit, Action::skipped_mac, TensorRole::outputs, layer.macs() - done);
    if (on_array && gpu_.array_config->instructions) {
        count(unit, Action::issue, TensorRole::inputs,
              ceil_divide(checked_multiply(done, bits(precision)), 8));
    }
    if (!on_array) {
        if (gpu_.vector_config->instructions) {
            count(unit, Action::issue, TensorRole::inputs,
                  checked_multiply(done, kVectorOperandBytes));
        }
        return;
    }
    const std::int64_t results = words(image(layer.space.outputs().projection, layer.space.box()));
    const std::int64_t turns =
        ceil_divide(matrix_shape(layer).depth * bits(precision), kDepthBytes * 8);
    const std::int64_t sums = checked_multiply(results, turns) * bits(accumulator) / 8;
    for (const Action action : {Action::read, Action::write}) {
        count(gpu_.accumulators, action, TensorRole::partial_sums, sums);
    }
}

void WaveEmitter::count_arithmetic(StepBody& body, std::size_t f, const KernelProduct* product,
                                   std::int64_t slices) {
    const FusedLayer& fused = plan_.fused[f];
    const Layer& root = network_.layer(fused.root);
    const Precision stored = network_.tensor(fused.output).precision;
    std::int64_t operations = root.space.vector_operations();
    if (product != nullptr) {
        count_product(body, fused.root, *product);
        const std::int64_t results =
            words(image(root.space.outputs().projection, root.space.box()));
        operations += std::llround(static_cast<double>(results) *
                                   conversion_operations(root.precision.accumulator, stored)) +
                      results * (slices - 1);  // what they add up
    }
    count_vector(body, fused.root, stored, operations);
    for (const LayerId epilogue : fused.epilogues) {
        count_vector(body, epilogue, stored, network_.layer(epilogue).space.vector_operations());
    }
}

void WaveEmitter::drain(const Kernel& kernel, std::int64_t part, std::int64_t parts) {
    RoundStep step = step_of(kernel);
    Move move = move_between(machine_, gpu_.operands, gpu_.buffer, Bytes(0));
    for (const auto* flows : {&kernel.drains, &kernel.sums}) {
        for (const KernelFlow& flow : *flows) {
            const std::int64_t bytes = share(flow.bytes, part, parts).size();
            count(step.body, flow, gpu_.bus, Action::transfer, bytes);
            count(step.body, flow, gpu_.buffer, Action::write, bytes);
            move.delivered += Bytes(bytes);
        }
    }
    const LinkId port = machine_.write_port(gpu_.buffer);
    if (move.delivered.count() > 0 && port.valid()) {
        move.links.push_back({port, move.delivered});
    }
    step.body.unit = drain_.unit;
    step.body.what = std::move(move);
    results_.use(step, results_.last());
    results_.release(step);
    step.posts.push_back({done_});
    if (sum(kernel.stores) > 0) {
        written_.fill(step);
    }
    builder_.step(drain_.agent, std::move(step));
}

void WaveEmitter::store(const Kernel& kernel, std::int64_t part, std::int64_t parts) {
    RoundStep step = at_memory(kernel, kernel.stores, part, parts, true);
    written_.use(step, written_.last());
    written_.release(step);
    builder_.step(store_.agent, std::move(step));
}

}  // namespace memwall
