// SPDX-License-Identifier: Apache-2.0
#include "sim/bench/cases.hpp"

#include <array>
#include <memory>
#include <utility>

#include "arch/dram_mapping.hpp"
#include "arch/machine_yaml.hpp"
#include "arch/mapper.hpp"
#include "workloads/network_yaml.hpp"

namespace memwall::bench {

namespace {

constexpr std::int64_t kSlots = 2;
constexpr std::int64_t kLoaded = 4'096;
constexpr std::int64_t kStored = 1'024;

enum Stage : std::size_t { load, compute, store, stages };

/// What all tiles share; the source refers to it.
struct Tiles {
    std::array<StepBody, stages> bodies;
    /// Data loaded, input slots free again, results there, output slots free again.
    std::array<TokenId, 4> tokens;
    std::int64_t count = 0;
};

/// Each agent does its stage for tile after tile.
class Source final : public StepSource {
public:
    explicit Source(std::shared_ptr<const Tiles> tiles) : tiles_(std::move(tiles)) {}

    void next(AgentId agent, Picoseconds /*now*/, Next& next) override {
        std::int64_t& tile = tile_[agent.position()];
        if (tile == tiles_->count) {
            next.kind = Next::Kind::done;
            return;
        }
        next.kind = Next::Kind::step;
        next.step.body = &tiles_->bodies[agent.position()];
        next.step.layer = LayerId(0);
        const auto& [loaded, in_free, computed, out_free] = tiles_->tokens;
        next.step.waits.clear();
        next.step.posts.clear();
        switch (agent.position()) {
            case load:
                next.step.waits.push_back({in_free, tile + 1 - kSlots});
                next.step.posts.push_back({loaded});
                break;
            case compute:
                next.step.waits.push_back({loaded, tile + 1});
                next.step.waits.push_back({out_free, tile + 1 - kSlots});
                next.step.posts.push_back({in_free});
                next.step.posts.push_back({computed});
                break;
            default:
                next.step.waits.push_back({computed, tile + 1});
                next.step.posts.push_back({out_free});
        }
        ++tile;
    }

private:
    std::shared_ptr<const Tiles> tiles_;
    std::array<std::int64_t, stages> tile_{};
};

Component component(const std::string& name, ComponentKind kind, ComponentConfig config) {
    Component made;
    made.name = name;
    made.kind = kind;
    made.clock = ClockId(std::size_t{0});
    made.config = std::move(config);
    return made;
}

Machine machine() {
    Machine::Parts parts;
    parts.name = "bench";
    parts.mapper = "tiling";
    parts.clocks.emplace_back("clock", Hertz(1'000'000'000));
    BusConfig bus;
    bus.width = Bytes(64);
    parts.components = {
        component("array", ComponentKind::mac_array, MacArrayConfig{}),
        component("dma", ComponentKind::dma, DmaConfig{}), component("in", ComponentKind::bus, bus),
        component("out", ComponentKind::bus, bus), component("dram", ComponentKind::dram, hbm())};
    return Machine(std::move(parts));
}

}  // namespace

DramConfig hbm() {
    DramConfig config;
    config.name = "dram";
    config.capacity = Bytes(std::int64_t{1} << 32);
    config.channels = 8;
    config.bank_groups = 4;
    config.banks = 16;
    config.row = Bytes(1'024);
    config.burst = config.interleave = Bytes(32);
    config.clock = Picoseconds(1'000);
    DramTimings& t = config.timings;
    t.burst = t.tCCD_S = 2;
    t.tCCD_L = t.tRRD_S = t.tRRD_L = 4;
    t.CL = t.tRCD_read = t.tRCD_write = t.tRP = 14;
    t.CWL = t.tRTP = 5;
    t.tRAS = 34;
    t.tRC = 48;
    t.tFAW = 15;
    t.tWR = 16;
    t.tWTR_S = 6;
    t.tWTR_L = 8;
    t.tRTW = 13;
    t.tREFI = 3'900;
    t.tRFC = 350;
    config.mapping = default_mapping(config);
    return config;
}

Case pipeline(Contended sharing, std::int64_t tiles) {
    static constexpr std::array<const char*, 3> kNames = {"nothing shared", "one bus", "one DRAM"};
    Case made{kNames[static_cast<std::size_t>(sharing)], machine(), {}};
    const Machine& built = made.machine;
    Program& program = made.program;
    const ComponentId dma = built.find("dma");
    program.units = {
        {"load", dma, -1, 1}, {"array", built.find("array"), -1, 1}, {"store", dma, -1, 1}};
    program.agents = {{"load", 0, 1}, {"compute", 0, 1}, {"store", 0, 1}};
    program.tokens = {"loaded", "input slots", "computed", "output slots"};
    program.layers.resize(1);
    program.clock = ClockId(std::size_t{0});

    auto shared = std::make_shared<Tiles>();
    shared->count = tiles;
    for (std::size_t t = 0; t < shared->tokens.size(); ++t) {
        shared->tokens[t] = TokenId(t);
    }
    const LinkId in = built.medium(built.find("in"));
    const LinkId out = sharing == Contended::bus ? in : built.medium(built.find("out"));
    for (const bool writes : {false, true}) {
        const Bytes bytes(writes ? kStored : kLoaded);
        Move move;
        move.links = {{writes ? out : in, bytes}};
        move.latency = Cycles(3);
        if (sharing == Contended::dram) {
            move.dram = {{DramId(std::size_t{0}), writes ? 1 << 20 : 0, bytes, 1, 0, writes}};
        }
        StepBody& body = shared->bodies[writes ? store : load];
        body.what = std::move(move);
        body.unit = UnitId(writes ? std::size_t{store} : std::size_t{load});
    }
    shared->bodies[compute].what = Compute{Cycles(70), Cycles(5), Cycles(70)};
    shared->bodies[compute].unit = UnitId(std::size_t{compute});
    program.make_source = [shared]() { return std::make_unique<Source>(shared); };
    return made;
}

Shipped shipped(const std::string& configs, const std::string& machine,
                const std::string& network) {
    const auto read = [&](const std::string& path) {
        Diagnostics faults;
        YamlValue value = read_yaml_file(configs + "/" + path, path, faults);
        faults.throw_if_any();
        return value;
    };
    const auto technology = [&](const std::string& name, const SourceMark& /*where*/) {
        return read("technology/" + name + ".yaml");
    };
    const auto dram = [&](const std::string& name, const SourceMark& /*where*/) {
        return read("dram/" + name + ".yaml");
    };
    Machine made = load_machine(read("machines/" + machine + ".yaml"), technology, dram);
    Diagnostics faults;
    Network loaded = load_network(read("networks/" + network + ".yaml"), faults);
    faults.throw_if_any();
    return {std::move(made), std::move(loaded)};
}

Case mapped(const std::string& configs, const std::string& machine, const std::string& network) {
    Shipped read = shipped(configs, machine, network);
    Program program = map_network(read.network, read.machine, MapperOptions{}).program;
    return {network + " " + machine, std::move(read.machine), std::move(program),
            static_cast<std::int64_t>(read.network.layers().size())};
}

}  // namespace memwall::bench
