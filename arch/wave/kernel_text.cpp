// SPDX-License-Identifier: Apache-2.0
#include "arch/wave/kernel_text.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/parse.hpp"

namespace memwall {
namespace {

class KernelCode {
public:
    KernelCode(const Network& network, const Machine& machine, const Hierarchy& gpu,
               const WavePlan& plan, const Kernel& kernel)
        : network_(network), machine_(machine), gpu_(gpu), plan_(plan), kernel_(kernel) {}

    std::string run() {
        line(name_of(gpu_.dram) + " holds " + in_dram());
        deeper();
        line(name_of(gpu_.buffer) + " holds " + roles(kernel_.feeds, kernel_.drains) + " (of " +
             format_bytes(gpu_.buffer_config->capacity) + ")");
        deeper();
        if (kernel_.attention) {
            line(fmt::format("for keys in blocks of {}, past {} queries of a head",
                             kernel_.attention->keys, kernel_.attention->rows));
            deeper();
        }
        const std::string outside = indent_;
        for (const std::size_t part : kernel_.parts) {
            indent_ = outside;
            const KernelProduct* product = product_of(kernel_, part);
            if (product != nullptr && product->blocks) {
                blocks(*product, *product->blocks);
            } else {
                elementwise(plan_.fused[part], product);
            }
        }
        return std::move(code_);
    }

private:
    [[nodiscard]] const std::string& name_of(ComponentId id) const {
        return machine_.component(id).name;
    }

    void line(const std::string& text) { code_ += indent_ + text + "\n"; }
    void deeper() { indent_ += "  "; }

    /// What comes from there for the kernel and what of its own results goes there, if only later
    /// kernels take their place in the cache; and that results of kernels before make room.
    [[nodiscard]] std::string in_dram() const {
        std::vector<KernelFlow> own;
        std::int64_t later = 0;
        std::int64_t others = 0;
        for (const Kernel& kernel : plan_.kernels) {
            for (const KernelFlow& flow : kernel.stores) {
                if (is_own(flow)) {
                    own.push_back(flow);
                    later += &kernel != &kernel_ ? flow.bytes : 0;
                } else if (&kernel == &kernel_) {
                    others += flow.bytes;
                }
            }
        }
        const std::string& cache = name_of(gpu_.buffer);
        return roles(kernel_.fetches, own) +
               (later > 0 ? ", " + format_bytes(Bytes(later)) +
                                " of its results when later kernels take them out of " + cache
                          : "") +
               (others > 0 ? ", and takes " + format_bytes(Bytes(others)) +
                                 " of earlier results out of " + cache
                           : "");
    }

    /// Whether a flow is counted for a layer of this kernel.
    [[nodiscard]] bool is_own(const KernelFlow& flow) const {
        return std::any_of(kernel_.drains.begin(), kernel_.drains.end(),
                           [&](const KernelFlow& drained) { return drained.layer == flow.layer; });
    }

    /// The roles of what some flows bring, each once.
    static std::string roles(const std::vector<KernelFlow>& in,
                             const std::vector<KernelFlow>& out) {
        std::vector<std::string> names;
        for (const auto* flows : {&in, &out}) {
            for (const KernelFlow& flow : *flows) {
                const std::string role = name(flow.role);
                if (flow.bytes > 0 && std::find(names.begin(), names.end(), role) == names.end()) {
                    names.push_back(role);
                }
            }
        }
        return names.empty() ? "nothing" : fmt::format("{}", fmt::join(names, ", "));
    }

    static std::string plural(std::int64_t count, const std::string& what) {
        return format_count(count) + " " + what + (count == 1 ? "" : "s");
    }

    static std::string results_of(const MatrixShape& shape) {
        return fmt::format("{} x {} results of a depth of {}{}", format_count(shape.rows),
                           format_count(shape.columns), format_count(shape.depth),
                           shape.groups > 1 ? ", " + format_count(shape.groups) + " times" : "");
    }

    void blocks(const KernelProduct& product, const BlockPlan& plan) {
        const MatrixShape& shape = product.shape;
        line(fmt::format(
            "{}: {}, a grid of {} x {} blocks{}",
            network_.layer(plan_.fused[product.part].root).name, results_of(shape),
            ceil_divide(shape.rows, plan.rows), ceil_divide(shape.columns, plan.columns),
            plan.slices > 1 ? " in " + plural(plan.slices, "slice") + " of the depth" : ""));
        waves(plan);
        const std::int64_t slab = kSlabBytes * 8 / product.operand_bits;
        if (plan.cluster.size() > 1) {
            line(clusters(plan, slab));
        }
        const BlockRoom room =
            block_room(plan.rows, plan.columns, product.result_bits, plan.stages);
        line(fmt::format("{} holds {} stages of {} x {} and {} x {} words, {} a block (of {})",
                         name_of(gpu_.operands), plan.stages, plan.rows, slab, slab, plan.columns,
                         format_bytes(room.shared_memory),
                         format_bytes(gpu_.operands_config->capacity)));
        if (gpu_.accumulators.valid()) {
            line(fmt::format(
                "{} holds {} x {} sums, and words and addresses of {} threads, {} a "
                "block (of {})",
                name_of(gpu_.accumulators), plan.rows, plan.columns, room.threads,
                format_bytes(room.registers), format_bytes(gpu_.accumulators_config->capacity)));
        }
        deeper();
        const std::string outside = indent_;
        const std::int64_t depth = ceil_divide(shape.depth, plan.slices);
        if (depth > slab) {
            line(fmt::format("for slab in {} of {} of the depth", ceil_divide(depth, slab), slab));
            deeper();
        }
        line("multiply-accumulate " +
             fmt::format("{} x {} x {}", plan.rows, plan.columns, std::min(depth, slab)));
        indent_ = outside;
        line((plan.slices > 1 ? "add the sums of the slices before, " : "") +
             way_out(plan_.fused[product.part]));
    }

    /// What blocks on neighbouring cores read together.
    [[nodiscard]] std::string clusters(const BlockPlan& plan, std::int64_t slab) const {
        std::vector<std::string> slabs;
        if (plan.cluster.columns > 1) {
            slabs.push_back(fmt::format("{} x {}", plan.rows, slab));
        }
        if (plan.cluster.rows > 1) {
            slabs.push_back(fmt::format("{} x {}", slab, plan.columns));
        }
        const std::int64_t empty = plan.places - plan.blocks;
        return fmt::format("clusters of {} x {} share each read of {} words in {}{}",
                           plan.cluster.rows, plan.cluster.columns, fmt::join(slabs, " and "),
                           name_of(gpu_.buffer),
                           empty > 0 ? ", with " + plural(empty, "empty place") : "");
    }

    void waves(const BlockPlan& plan) {
        const std::int64_t at_once = gpu_.cores * plan.resident;
        if (plan.waves > 1) {
            const std::int64_t rest = plan.places - (plan.waves - 1) * at_once;
            line(fmt::format("for wave in {} of {}{}", plan.waves, plural(at_once, "block"),
                             rest < at_once ? ", the last of " + format_count(rest) : ""));
            deeper();
        }
        const std::int64_t busy = std::min(gpu_.cores, plan.blocks);
        line(fmt::format("parallel for block of {} x {} on {} of {}, {} each at a time", plan.rows,
                         plan.columns, busy, name_of(gpu_.array), plan.resident));
        deeper();
    }

    void elementwise(const FusedLayer& fused, const KernelProduct* product) {
        const Layer& root = network_.layer(fused.root);
        line(fmt::format("parallel on {} of {}", plural(gpu_.cores, "instance"),
                         name_of(gpu_.vector)));
        deeper();
        line(root.name + ": " +
             (product != nullptr ? results_of(product->shape) : root.op + " in the registers") +
             ", " + way_out(fused));
    }

    /// What is done with results that are whole.
    [[nodiscard]] std::string way_out(const FusedLayer& fused) const {
        std::string text;
        for (const LayerId epilogue : fused.epilogues) {
            text += network_.layer(epilogue).name + ", ";
        }
        const bool leaves =
            std::any_of(kernel_.drains.begin(), kernel_.drains.end(),
                        [&](const KernelFlow& flow) { return flow.layer == fused.last(); });
        return text + (leaves ? "outputs to " + name_of(gpu_.buffer) : "results stay in the core");
    }

    const Network& network_;
    const Machine& machine_;
    const Hierarchy& gpu_;
    const WavePlan& plan_;
    const Kernel& kernel_;
    std::string code_;
    std::string indent_;
};

}  // namespace

std::string kernel_code(const Network& network, const Machine& machine, const Hierarchy& gpu,
                        const WavePlan& plan, const Kernel& kernel) {
    return KernelCode(network, machine, gpu, plan, kernel).run();
}

}  // namespace memwall
