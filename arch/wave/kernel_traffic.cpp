// SPDX-License-Identifier: Apache-2.0
#include "arch/wave/kernel_traffic.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <utility>
#include <vector>

#include "arch/region_cache.hpp"

namespace memwall {
namespace {

/// Parts that a tensor goes through the cores in, and those that weights are cut into, all of which
/// every part of the others meets.
constexpr std::int64_t kParts = 64;
constexpr std::int64_t kWeightParts = 8;

std::int64_t share(std::int64_t bytes, std::int64_t part, std::int64_t parts) {
    return bytes / parts * (part + 1) + bytes % parts * (part + 1) / parts -
           (bytes / parts * part + bytes % parts * part / parts);
}

class TrafficFinder {
public:
    TrafficFinder(const Network& network, const Hierarchy& gpu, WavePlan& plan)
        : network_(network), plan_(plan), cache_(gpu.buffer_config->capacity), gpu_(gpu) {
        for (std::size_t k = 0; k < plan.kernels.size(); ++k) {
            for (const KernelFlow& flow : plan.kernels[k].feeds) {
                last_reader_[flow.tensor] = k;
            }
            for (const KernelFlow& flow : plan.kernels[k].drains) {
                maker_[flow.tensor] = flow;
                std::vector<std::int64_t>& parts = written_parts_[flow.tensor];
                if (flow.in_place && !parts.empty()) {
                    made_[{flow.tensor, k}] = {0, flow.bytes};
                    continue;
                }
                made_[{flow.tensor, k}] = {static_cast<std::int64_t>(parts.size()) * kParts,
                                           flow.bytes};
                parts.push_back(flow.bytes);
            }
        }
    }

    void run() {
        constexpr int kRounds = 2;  // the first fills the cache
        for (round_ = 0; round_ < kRounds; ++round_) {
            for (std::size_t k = 0; k < plan_.kernels.size(); ++k) {
                run_kernel(k);
            }
            finish_round();
        }
    }

private:
    /// An operand of a kernel that is read as often as its blocks want it, while others pass.
    /// Weights that an update writes lie in the parts that it writes.
    [[nodiscard]] bool stays(const KernelFlow& flow) const {
        return flow.role == TensorRole::weights && flow.dram_passes == 1 &&
               flow.distinct <= gpu_.buffer_config->capacity.count() / 2 &&
               written_parts_.find(flow.tensor) == written_parts_.end();
    }

    void run_kernel(std::size_t k) {
        Kernel& kernel = plan_.kernels[k];
        kernel.fetches.clear();
        kernel.stores.clear();
        CacheTraffic written;
        std::vector<std::int64_t> missed(kernel.feeds.size());
        for (std::int64_t part = 0; part < kParts; ++part) {
            for (std::size_t i = 0; i < kernel.feeds.size(); ++i) {
                missed[i] += read(kernel.feeds[i], part, written);
            }
            for (const KernelFlow& flow : kernel.drains) {
                const auto& [first, bytes] = made_.at({flow.tensor, k});
                cache_.write(flow.tensor, first + part, Bytes(share(bytes, part, kParts)), written);
            }
        }
        for (std::size_t i = 0; i < kernel.feeds.size(); ++i) {
            const KernelFlow& flow = kernel.feeds[i];
            // What stays through the kernel is looked for again and again, and comes in once.
            const std::int64_t first = std::min(missed[i], flow.distinct);
            const double again = (flow.dram_passes - 1) * static_cast<double>(flow.distinct);
            add(kernel.fetches, flow, first + std::llround(again));
        }
        end_lives(k, kernel, written);
        for (const auto& [tensor, bytes] : written.written_by_tensor()) {
            add(kernel.stores, maker_.at(tensor), bytes);
        }
        kernel.held = cache_.held().count();
    }

    std::int64_t read(const KernelFlow& flow, std::int64_t part, CacheTraffic& written) {
        CacheTraffic traffic;
        if (is_drawn(flow)) {
            read_drawn(flow, part, traffic);
        } else if (stays(flow)) {
            for (std::int64_t p = 0; p < kWeightParts; ++p) {
                cache_.read(flow.tensor, p, Bytes(share(flow.distinct, p, kWeightParts)), traffic);
            }
        } else {
            read_made(flow, part, traffic);
        }
        written.written.insert(written.written.end(), traffic.written.begin(),
                               traffic.written.end());
        return traffic.missed.count();
    }

    /// Rows of an embedding table, other ones in each round.
    [[nodiscard]] bool is_drawn(const KernelFlow& flow) const {
        const Layer& layer = network_.layer(flow.layer);
        const Operand* table = layer.space.find(TensorRole::weights);
        return flow.role == TensorRole::weights && layer.macs() == 0 && table != nullptr &&
               table->projection.gather.has_value() &&
               written_parts_.find(flow.tensor) == written_parts_.end();
    }

    /// MODEL: of a table that the cache can hold all rows are there once they were drawn; rows of a
    /// larger one come from the DRAM each time.
    void read_drawn(const KernelFlow& flow, std::int64_t part, CacheTraffic& traffic) {
        const Bytes table = network_.tensor_bytes(flow.tensor);
        const Bytes drawn(share(flow.distinct, part, kParts));
        if (table > gpu_.buffer_config->capacity) {
            cache_.read(flow.tensor, part + kParts * round_, drawn, traffic);
            return;
        }
        CacheTraffic whole;
        cache_.read(flow.tensor, part, Bytes(share(table.count(), part, kParts)), whole);
        traffic.written = std::move(whole.written);
        traffic.missed = whole.missed.count() > 0 ? drawn : Bytes(0);
    }

    /// Of what each kernel has made of a tensor (parts of a concatenation, new positions of a
    /// state) as much as of the whole; then what was there before.
    void read_made(const KernelFlow& flow, std::int64_t part, CacheTraffic& traffic) {
        const std::vector<std::int64_t> none;  // an entry would say that somebody writes it
        const auto written = written_parts_.find(flow.tensor);
        const std::vector<std::int64_t>& made =
            written == written_parts_.end() ? none : written->second;
        const std::int64_t sum = std::accumulate(made.begin(), made.end(), std::int64_t{0});
        std::int64_t first = 0;
        for (const std::int64_t bytes : made) {
            const double of_it =
                std::min(1.0, static_cast<double>(flow.distinct) / static_cast<double>(sum));
            const auto wanted = std::llround(static_cast<double>(bytes) * of_it);
            cache_.read(flow.tensor, first + part, Bytes(share(wanted, part, kParts)), traffic);
            first += kParts;
        }
        const std::int64_t before = std::max<std::int64_t>(0, flow.distinct - sum);
        cache_.read(flow.tensor, first + part, Bytes(share(before, part, kParts)), traffic);
    }

    void end_lives(std::size_t k, const Kernel& kernel, CacheTraffic& written) {
        for (const KernelFlow& flow : kernel.feeds) {
            const Tensor& tensor = network_.tensor(flow.tensor);
            if (last_reader_[flow.tensor] == k && !tensor.is_weight() && !tensor.persists()) {
                cache_.drop(flow.tensor);
            }
        }
        for (const KernelFlow& flow : kernel.drains) {
            const Tensor& tensor = network_.tensor(flow.tensor);
            if (last_reader_.find(flow.tensor) == last_reader_.end() || tensor.persists() ||
                tensor.is_weight()) {  // an output of the network, a cache of keys, new weights
                cache_.clean(flow.tensor, written);
            }
        }
    }

    /// New inputs come for the next round, and over cards of a pipeline other users.
    void finish_round() {
        for (std::size_t t = 0; t < network_.tensors().size(); ++t) {
            const Tensor& tensor = network_.tensor(TensorId(t));
            if (tensor.kind == TensorKind::input ||
                (tensor.kind == TensorKind::state && gpu_.turns_of_users)) {
                cache_.drop(network_.storage(TensorId(t)));
            }
        }
    }

    static void add(std::vector<KernelFlow>& flows, KernelFlow flow, std::int64_t bytes) {
        if (bytes > 0) {
            flow.bytes = bytes;
            flows.push_back(flow);
        }
    }

    const Network& network_;
    WavePlan& plan_;
    std::int64_t round_ = 0;
    RegionCache cache_;
    const Hierarchy& gpu_;
    std::map<TensorId, std::size_t> last_reader_;
    std::map<TensorId, KernelFlow> maker_;  ///< the last one
    /// By tensor the bytes that each of its makers writes, and by tensor and maker the number of
    /// its first part.
    std::map<TensorId, std::vector<std::int64_t>> written_parts_;
    std::map<std::pair<TensorId, std::size_t>, std::pair<std::int64_t, std::int64_t>> made_;
};

}  // namespace

void find_memory_traffic(const Network& network, const Hierarchy& gpu, WavePlan& plan) {
    TrafficFinder(network, gpu, plan).run();
}

}  // namespace memwall
