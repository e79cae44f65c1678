// SPDX-License-Identifier: Apache-2.0
// The tile of one fused layer: what of it lies in the global buffer at once, in which order tiles
// follow, and what that costs on the DRAM.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <tuple>
#include <vector>

#include "arch/program.hpp"
#include "arch/tiling/network_plan.hpp"

namespace memwall {

/// Which operands of a fused layer pass through the DRAM, and the room for their tiles.
struct Streams {
    bool weights = false;
    std::vector<bool> inputs;  ///< by position in FusedLayer::inputs
    bool operands = false;
    bool outputs = false;
    std::int64_t weight_slot = 0;  ///< bytes of one of two slots
    std::int64_t stage = 0;        ///< bytes for all tiles of activations
};

/// What a plan counts a DRAM at, in cycles of the mapper's clock.
struct DramPace {
    const DramConfig* config = nullptr;
    double bytes_per_cycle = 0;  ///< its peak
    double row_switch = 0;       ///< from one row of a bank to another
    double turn = 0;             ///< from reading to writing and back, to rows of their own
};

/// Halves the first of the dimensions of positions that can be cut; false where none can.
bool halve_positions(Extents& extents);

/// Plans layers; equal layers in equal streams once.
class LayerTiler {
public:
    /// The network, its fused layers, the planner of passes and what is given must outlive it.
    LayerTiler(const Network& network, const std::vector<FusedLayer>& fused, const DramPace& dram,
               PassPlanner& passes, const GivenTilings& given, const TileAim& tiles,
               const PassAim& aim);

    /// Sets all of a layer's plan but whether its weights are resident. False where no tile fits.
    bool plan(std::size_t f, const Streams& streams, LayerTiling& layer);
    /// The same for a layer that goes tile by tile between others, in tiles of this size. Returns
    /// the bytes that its moving activations take; none where a tile has no room in the cores.
    std::optional<std::int64_t> plan_restarting(std::size_t f, const Streams& streams,
                                                const Extents& tile, LayerTiling& layer);

private:
    static constexpr std::size_t kMostTiles = 4;  ///< of those that fit, the largest

    [[nodiscard]] std::optional<LayerTiling> search(const FusedLayer& fused,
                                                    const Streams& streams);
    // given_tiles.cpp
    [[nodiscard]] std::optional<LayerTiling> plan_given(const FusedLayer& fused,
                                                        const Streams& streams,
                                                        const GivenTiling& given);

    [[nodiscard]] std::optional<LayerTiling> best_of(const std::vector<Extents>& found,
                                                     const FusedLayer& fused,
                                                     const Streams& streams);
    void search_deep(const FusedLayer& fused, const Streams& streams,
                     std::optional<LayerTiling>& best);
    // deep_tiles.cpp
    [[nodiscard]] LayerTiling streamed_once(const FusedLayer& fused, const Layer& root,
                                            const Streams& streams) const;
    [[nodiscard]] Extents drained_part(const FusedLayer& fused, const Layer& root,
                                       const Streams& streams, Extents part) const;
    [[nodiscard]] bool cut_channels(Extents& tile) const;
    [[nodiscard]] std::vector<LayerTiling> deep_tiles(const FusedLayer& fused, const Layer& root,
                                                      const Streams& streams,
                                                      const LayerTiling& once) const;
    [[nodiscard]] std::optional<LayerTiling> deep_tile(const FusedLayer& fused, const Layer& root,
                                                       const Streams& streams,
                                                       const LayerTiling& once, Extents tile) const;
    void cost_deep(const FusedLayer& fused, const Layer& root, const Streams& streams,
                   LayerTiling& plan) const;

    // tile_traffic.cpp
    void finish(const FusedLayer& fused, const Layer& root, const Streams& streams,
                LayerTiling& plan) const;
    [[nodiscard]] std::optional<DramAccess> drawn_access(const Layer& root,
                                                         const Extents& tile) const;
    void cost_dram(const FusedLayer& fused, const Layer& root, const Streams& streams,
                   LayerTiling& plan) const;

    // layer_tiles.cpp
    [[nodiscard]] bool cuts_inputs(const Layer& root, const Streams& streams) const;
    [[nodiscard]] bool cuts_windows(const Layer& root, const Streams& streams) const;
    [[nodiscard]] std::vector<Extents> channel_tiles(const Layer& root, const Streams& streams,
                                                     bool windows) const;
    [[nodiscard]] bool fit_positions(const FusedLayer& fused, const Layer& root,
                                     const Streams& streams, Extents& tile) const;
    [[nodiscard]] std::int64_t arriving_bytes(const FusedLayer& fused, const Layer& root,
                                              const Streams& streams, const Extents& tile) const;
    [[nodiscard]] std::int64_t leaving_bytes(const FusedLayer& fused, const Layer& root,
                                             const Streams& streams, const Extents& drained) const;
    [[nodiscard]] bool is_streamed(const FusedLayer& fused, const Streams& streams,
                                   const Operand& operand) const;
    void cost(const FusedLayer& fused, const Layer& root, const Streams& streams, LayerTiling& plan,
              std::optional<bool> positions_outer = std::nullopt) const;
    /// What plans of a layer are compared by.
    [[nodiscard]] double value(const LayerTiling& plan) const;
    static void set_passes(const Layer& root, const PassPlan& passes, LayerTiling& plan);
    [[nodiscard]] double exposed(const FusedLayer& fused, const Layer& root, const Streams& streams,
                                 const LayerTiling& plan) const;

    const Network& network_;
    const std::vector<FusedLayer>& fused_;
    DramPace dram_;
    PassPlanner& passes_;
    const GivenTilings& given_;
    TileAim tiles_;
    PassAim aim_;
    std::vector<std::size_t> classes_;  ///< by fused layer
    std::map<
        std::tuple<std::size_t, bool, std::vector<bool>, bool, bool, std::int64_t, std::int64_t>,
        std::optional<LayerTiling>>
        known_;
};

}  // namespace memwall
