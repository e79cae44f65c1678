// SPDX-License-Identifier: Apache-2.0
// What lies in the memory of each core: how full all are layer by layer, or the blocks of one.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/csv.hpp"
#include "base/parse.hpp"
#include "study/show.hpp"
#include "study/table.hpp"

namespace memwall {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::array<BlockKind, kBlockKinds> kKinds = {
    BlockKind::weights,  BlockKind::state,        BlockKind::results,
    BlockKind::arrivals, BlockKind::partial_sums, BlockKind::instructions};

/// The memories of a mapped network with the names of its layers.
class MemoryReport {
public:
    MemoryReport(const Network& network, const Machine& machine, const SpatialMemory& memory,
                 std::optional<std::size_t> core, const std::optional<ShownStage>& stage)
        : network_(network),
          machine_(machine),
          memory_(memory),
          core_(core),
          stage_(stage),
          layers_(memory.layers.size()) {}

    [[nodiscard]] std::string json() const {
        const CoreMemories& memories = memory_.memories;
        const auto cores = static_cast<std::int64_t>(memories.cores.size());
        Json json = {{"network", network_.name()},
                     {"machine", machine_.name()},
                     {"batch", network_.batch()},
                     {"sub_batch", memory_.sub_batch},
                     {"columns", memory_.columns},
                     {"rows", cores / memory_.columns},
                     {"capacity_bytes", memories.capacity.count()},
                     {"alignment_bytes", memories.alignment.count()}};
        if (stage_) {
            json["stage"] = {
                {"number", stage_->number}, {"of", stage_->count}, {"cards", stage_->cards}};
        }
        json["layers"] = Json::array();
        for (std::size_t f = 0; f < layers_; ++f) {
            const Fullest fullest = fullest_at(f);
            Json layer = {{"name", layer_name(f)}, {"op", network_.layer(memory_.layers[f]).op}};
            layer["fullest_core"] = place(fullest.lane);
            add_use(fullest.use, layer);
            layer["mean_bytes"] = fullest.mean;
            json["layers"].push_back(layer);
        }
        json["cores"] = Json::array();
        for (std::size_t lane = 0; lane < memories.cores.size(); ++lane) {
            json["cores"].push_back({{"at", place(lane)},
                                     {"weights_bytes", staying(lane, BlockKind::weights).count()},
                                     {"state_bytes", staying(lane, BlockKind::state).count()},
                                     {"top_bytes", memories.cores[lane].top.count()}});
        }
        if (core_) {
            json["core"] = {{"at", place(*core_)}, {"blocks", Json::array()}};
            for (const CoreBlock& block : sorted_blocks()) {
                json["core"]["blocks"].push_back({{"what", name(block.kind)},
                                                  {"tensor", tensor_name(block)},
                                                  {"layer", layer_name(block.layer)},
                                                  {"address", block.address},
                                                  {"bytes", block.life.bytes.count()},
                                                  {"first", block.life.first},
                                                  {"last", block.life.last}});
            }
        }
        return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
    }

    [[nodiscard]] std::string csv() const {
        if (core_) {
            std::string csv =
                csv_line({"machine", "network", "x", "y", "address", "bytes", "what", "tensor",
                          "layer", "from_layer", "to_layer", "to_next_round"});
            for (const CoreBlock& block : sorted_blocks()) {
                csv += csv_line(
                    {machine_.name(), network_.name(), x(*core_), y(*core_),
                     std::to_string(block.address), std::to_string(block.life.bytes.count()),
                     name(block.kind), tensor_name(block), layer_name(block.layer),
                     layer_name(block.life.first), layer_name(block.life.last % layers_),
                     block.life.last >= layers_ ? "true" : "false"});
            }
            return csv;
        }
        std::vector<std::string> titles = {"machine", "network", "layer", "x", "y"};
        for (const BlockKind kind : kKinds) {
            titles.push_back(std::string(name(kind)) + "_bytes");
        }
        titles.emplace_back("free_bytes");
        std::string csv = csv_line(titles);
        for (std::size_t f = 0; f < layers_; ++f) {
            for (std::size_t lane = 0; lane < memory_.memories.cores.size(); ++lane) {
                const CoreUse use = memory_.memories.cores[lane].use_at(f, layers_);
                std::vector<std::string> cells = {machine_.name(), network_.name(), layer_name(f),
                                                  x(lane), y(lane)};
                for (const BlockKind kind : kKinds) {
                    cells.push_back(std::to_string(use.of(kind).count()));
                }
                cells.push_back(std::to_string((memory_.memories.capacity - use.total()).count()));
                csv += csv_line(cells);
            }
        }
        return csv;
    }

    [[nodiscard]] std::string table() const {
        return heading() + "\n" + (core_ ? block_table() : layer_table());
    }

private:
    struct Fullest {
        std::size_t lane = 0;
        CoreUse use;
        std::int64_t mean = 0;  ///< bytes, of all cores
    };

    [[nodiscard]] Fullest fullest_at(std::size_t f) const {
        Fullest fullest;
        Bytes sum;
        for (std::size_t lane = 0; lane < memory_.memories.cores.size(); ++lane) {
            const CoreUse use = memory_.memories.cores[lane].use_at(f, layers_);
            sum += use.total();
            if (use.total() > fullest.use.total()) {
                fullest.lane = lane;
                fullest.use = use;
            }
        }
        fullest.mean = sum.count() / static_cast<std::int64_t>(memory_.memories.cores.size());
        return fullest;
    }

    void add_use(const CoreUse& use, Json& to) const {
        for (const BlockKind kind : kKinds) {
            to[std::string(name(kind)) + "_bytes"] = use.of(kind).count();
        }
        to["free_bytes"] = (memory_.memories.capacity - use.total()).count();
    }

    [[nodiscard]] Bytes staying(std::size_t lane, BlockKind kind) const {
        return memory_.memories.cores[lane].use_at(0, layers_).of(kind);
    }

    /// "... 256 cores of 768 KiB", the evenness of their weights, and how far each is filled.
    [[nodiscard]] std::string heading() const {
        const auto& cores = memory_.memories.cores;
        const auto lower = [](const CoreMemory& a, const CoreMemory& b) { return a.top < b.top; };
        const auto least = std::min_element(cores.begin(), cores.end(), lower);
        const auto most = std::max_element(cores.begin(), cores.end(), lower);
        Bytes fewest = staying(0, BlockKind::weights);
        Bytes greatest = fewest;
        for (std::size_t lane = 1; lane < cores.size(); ++lane) {
            fewest = std::min(fewest, staying(lane, BlockKind::weights));
            greatest = std::max(greatest, staying(lane, BlockKind::weights));
        }
        const auto fullest = static_cast<std::size_t>(most - cores.begin());
        return stage_line(stage_) +
               fmt::format(
                   "{} on {}: batch {}, {} at a time; {} cores of {}\n"
                   "weights of a core: {} to {}; with all else it reaches {} to {}, most in core "
                   "{}\n",
                   network_.name(), machine_.name(), network_.batch(), memory_.sub_batch,
                   cores.size(), format_bytes(memory_.memories.capacity), format_bytes(fewest),
                   format_bytes(greatest), format_bytes(least->top), format_bytes(most->top),
                   place_text(fullest));
    }

    [[nodiscard]] std::string layer_table() const {
        Table table({{"layer", Align::left},
                     {"fullest core"},
                     {"weights"},
                     {"caches"},
                     {"results"},
                     {"arrivals"},
                     {"sums"},
                     {"instructions"},
                     {"free"},
                     {"mean used"}});
        for (std::size_t f = 0; f < layers_; ++f) {
            const Fullest fullest = fullest_at(f);
            std::vector<std::string> cells = {layer_name(f), place_text(fullest.lane)};
            for (const BlockKind kind : kKinds) {
                const Bytes bytes = fullest.use.of(kind);
                cells.push_back(bytes > Bytes(0) ? format_bytes(bytes) : "");
            }
            cells.push_back(format_bytes(memory_.memories.capacity - fullest.use.total()));
            cells.push_back(format_bytes(Bytes(fullest.mean)));
            table.add(cells);
        }
        return table.text();
    }

    [[nodiscard]] std::string block_table() const {
        Table table({{"address"},
                     {"bytes"},
                     {"what", Align::left},
                     {"of", Align::left},
                     {"from layer", Align::left},
                     {"to layer", Align::left}});
        for (const CoreBlock& block : sorted_blocks()) {
            const std::string of =
                block.tensor.valid() ? tensor_name(block) : layer_name(block.layer);
            const bool next = block.life.last >= layers_;
            table.add(
                {format_count(block.address), format_count(block.life.bytes.count()),
                 name(block.kind), of, block.stays() ? "(stays)" : layer_name(block.life.first),
                 block.stays()
                     ? ""
                     : layer_name(block.life.last % layers_) + (next ? " of the next round" : "")});
        }
        return "core " + place_text(*core_) + ":\n\n" + table.text();
    }

    [[nodiscard]] std::vector<CoreBlock> sorted_blocks() const {
        std::vector<CoreBlock> blocks = memory_.memories.cores[*core_].blocks;
        std::stable_sort(blocks.begin(), blocks.end(), [](const CoreBlock& a, const CoreBlock& b) {
            return std::pair(a.address, a.life.first) < std::pair(b.address, b.life.first);
        });
        return blocks;
    }

    [[nodiscard]] std::string layer_name(std::size_t f) const {
        return network_.layer(memory_.layers[f]).name;
    }
    [[nodiscard]] std::string tensor_name(const CoreBlock& block) const {
        return block.tensor.valid() ? network_.tensor(block.tensor).name : "";
    }
    [[nodiscard]] std::int64_t column(std::size_t lane) const {
        return static_cast<std::int64_t>(lane) % memory_.columns;
    }
    [[nodiscard]] std::int64_t row(std::size_t lane) const {
        return static_cast<std::int64_t>(lane) / memory_.columns;
    }
    [[nodiscard]] std::string x(std::size_t lane) const { return std::to_string(column(lane)); }
    [[nodiscard]] std::string y(std::size_t lane) const { return std::to_string(row(lane)); }
    [[nodiscard]] Json place(std::size_t lane) const { return {column(lane), row(lane)}; }
    [[nodiscard]] std::string place_text(std::size_t lane) const {
        return "(" + x(lane) + ", " + y(lane) + ")";
    }

    const Network& network_;
    const Machine& machine_;
    const SpatialMemory& memory_;
    std::optional<std::size_t> core_;
    std::optional<ShownStage> stage_;
    std::size_t layers_;
};

}  // namespace

Shown show_memory(const Network& network, const Machine& machine, const SpatialMemory& memory,
                  std::optional<std::size_t> core, const std::optional<ShownStage>& stage) {
    const MemoryReport report(network, machine, memory, core, stage);
    return {[report] { return report.json(); }, [report] { return report.csv(); },
            [report] { return report.table(); }};
}

}  // namespace memwall
