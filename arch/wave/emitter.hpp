// SPDX-License-Identifier: Apache-2.0
// Writes kernels down as a program: launch, fetch, feed, compute, drain and store.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "arch/mapper.hpp"
#include "arch/placement.hpp"
#include "arch/program_builder.hpp"
#include "arch/tiling/ring.hpp"
#include "arch/wave/kernel_plan.hpp"
#include "workloads/collective.hpp"

namespace memwall {

/// Writes one program; used once.
///
/// A kernel is cut into equal parts that go through the stages one behind the other, so that
/// loading, computing and storing overlap as they do in a grid of blocks that are not in step. The
/// next kernel is launched when the results of the one before lie in the cache.
class WaveEmitter {
public:
    WaveEmitter(const Network& network, const Machine& machine, const Hierarchy& gpu,
                const WavePlan& plan, const MapperOptions& options);
    Program run();

private:
    struct Worker {
        AgentId agent;
        UnitId unit;
    };

    void place();
    void launch(std::size_t k);
    void emit_kernel(std::size_t k);
    [[nodiscard]] RoundStep step_of(const Kernel& kernel) const;
    RoundStep at_memory(const Kernel& kernel, const std::vector<KernelFlow>& flows,
                        std::int64_t part, std::int64_t parts, bool write);
    void fetch(const Kernel& kernel, std::int64_t part, std::int64_t parts);
    void feed(const Kernel& kernel, std::int64_t part, std::int64_t parts);
    void compute(const Kernel& kernel, std::int64_t part, std::int64_t parts);
    void drain(const Kernel& kernel, std::int64_t part, std::int64_t parts);
    void store(const Kernel& kernel, std::int64_t part, std::int64_t parts);
    void exchange(const Kernel& kernel, Collective collective);
    void wait_launch(RoundStep& step) const;
    void wait_exchange(RoundStep& step, const Kernel& kernel) const;

    void count(StepBody& body, const KernelFlow& flow, ComponentId component, Action action,
               std::int64_t bytes);
    void count_arithmetic(StepBody& body, std::size_t f, const KernelProduct* product,
                          std::int64_t slices);
    void count_product(StepBody& body, LayerId id, const KernelProduct& product);
    void count_vector(StepBody& body, LayerId layer, Precision precision, std::int64_t operations);
    [[nodiscard]] DramAccess access(const KernelFlow& flow, std::int64_t begin, std::int64_t bytes,
                                    bool write) const;

    const Network& network_;
    const Machine& machine_;
    const Hierarchy& gpu_;
    const WavePlan& plan_;
    const MapperOptions& options_;
    ProgramBuilder builder_;
    [[nodiscard]] std::optional<Collective> collective(const Kernel& kernel) const;
    Worker launch_, fetch_, feed_, drain_, store_;
    Worker exchange_;  ///< over the link to the other cards; none on a single one
    AgentId compute_;
    UnitId array_, vector_;
    Ring fetched_, fed_, results_, written_;
    ComponentId link_;
    TokenId launched_;
    TokenId exchanged_;  ///< a collective has brought what comes from the other cards
    TokenId done_;       ///< a part of a kernel's results lies in the cache
    std::vector<std::int64_t> address_;  ///< by tensor
};

}  // namespace memwall
