// SPDX-License-Identifier: Apache-2.0
// Programs and machines written out by hand, for tests.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "arch/dram_mapping.hpp"
#include "arch/machine.hpp"
#include "arch/program.hpp"

namespace memwall::test {

/// A machine from parts, at 400 MHz unless said otherwise: a cycle is 2,500 ps.
class MachineScript {
public:
    explicit MachineScript(std::int64_t hertz = 400'000'000) {
        parts_.name = "by hand";
        parts_.mapper = "tiling";
        parts_.clocks.emplace_back("clock", Hertz(hertz));
    }

    ComponentId add(const std::string& name, ComponentKind kind, ComponentConfig config,
                    std::int64_t instances = 1) {
        Component component;
        component.name = name;
        component.kind = kind;
        component.instances = instances;
        component.clock = ClockId(0);
        component.config = std::move(config);
        parts_.components.push_back(component);
        return ComponentId(parts_.components.size() - 1);
    }
    ComponentId array() { return add("array", ComponentKind::mac_array, MacArrayConfig{}); }
    ComponentId dma(std::int64_t channels = 1) {
        return add("dma", ComponentKind::dma, DmaConfig{Cycles(0), channels, {}});
    }
    ComponentId bus(std::int64_t width) {
        BusConfig bus;
        bus.width = Bytes(width);
        return add("bus", ComponentKind::bus, bus);
    }
    ComponentId buffer(std::int64_t capacity, std::int64_t width = 0) {
        return add("buffer", ComponentKind::sram,
                   MemoryConfig{Bytes(capacity), {Bytes(capacity)}, Bytes(width), Bytes(width)});
    }

    [[nodiscard]] Machine build() const { return Machine(parts_); }
    Machine::Parts& parts() { return parts_; }

private:
    Machine::Parts parts_;
};

/// One channel, four banks, rows of 1 KiB: 16 bursts of 64 B, a clock of 1 ns. Round numbers for
/// sums by hand.
inline DramConfig plain_dram() {
    DramConfig config;
    config.name = "dram";
    config.capacity = Bytes(1 << 30);
    config.channels = 1;
    config.banks = 4;
    config.row = Bytes(1024);
    config.burst = Bytes(64);
    config.interleave = Bytes(64);
    config.clock = Picoseconds(1'000);
    config.timings.burst = config.timings.tCCD_S = config.timings.tCCD_L = 2;
    config.timings.CL = config.timings.CWL = 10;
    config.timings.tRCD_read = config.timings.tRCD_write = 14;
    config.timings.tRP = 12;
    config.timings.tRAS = 32;
    config.timings.tRC = 44;
    config.timings.tRTW = 2;
    config.mapping = default_mapping(config);
    return config;
}

/// A program as lists of steps, one list an agent, done in order.
class ProgramScript {
public:
    ProgramScript() { program_.clock = ClockId(0); }

    UnitId unit(ComponentId component, std::int64_t servers = 1) {
        program_.units.push_back(
            {"unit " + std::to_string(program_.units.size()), component, -1, servers});
        return UnitId(program_.units.size() - 1);
    }
    AgentId agent(const std::string& name, int priority = 0) {
        program_.agents.push_back({name, priority, 1});
        lists_.emplace_back();
        return AgentId(program_.agents.size() - 1);
    }
    TokenId token(const std::string& name) {
        program_.tokens.push_back(name);
        return TokenId(program_.tokens.size() - 1);
    }
    void layers(std::size_t count) { program_.layers.resize(count); }

    StepBody* body(UnitId unit, std::variant<Move, Compute> what) {
        bodies_.push_back(std::make_shared<StepBody>());
        bodies_.back()->unit = unit;
        bodies_.back()->what = std::move(what);
        return bodies_.back().get();
    }
    StepBody* compute(UnitId unit, std::int64_t cycles, std::int64_t latency = 0) {
        return body(unit, Compute{Cycles(cycles), Cycles(latency), Cycles(cycles)});
    }
    StepBody* move(UnitId unit, std::vector<LinkUse> links, std::int64_t latency = 0) {
        Move what;
        what.links = std::move(links);
        what.latency = Cycles(latency);
        return body(unit, what);
    }

    /// Appends a step of layer 0, item 0, to an agent's list; change it as needed.
    Step& step(AgentId agent, const StepBody* body, std::vector<TokenWait> waits = {},
               std::vector<TokenPost> posts = {}) {
        Step step;
        step.body = body;
        step.layer = LayerId(0);
        step.waits = std::move(waits);
        step.posts = std::move(posts);
        auto& list = lists_[agent.position()];
        list.push_back(step);
        return list.back();
    }

    Program& program() { return program_; }
    /// The program; a script may be built once or often.
    [[nodiscard]] Program build() const {
        Program built = program_;
        if (built.layers.empty()) {
            built.layers.resize(1);
        }
        const auto lists = std::make_shared<std::vector<std::deque<Step>>>(lists_);
        const auto bodies = bodies_;
        built.make_source = [lists, bodies]() { return std::make_unique<Source>(*lists, bodies); };
        return built;
    }

private:
    class Source final : public StepSource {
    public:
        Source(const std::vector<std::deque<Step>>& lists,
               std::vector<std::shared_ptr<StepBody>> bodies)
            : lists_(lists), bodies_(std::move(bodies)), at_(lists.size(), 0) {}
        void next(AgentId agent, Picoseconds /*now*/, Next& next) override {
            const auto& list = lists_[agent.position()];
            std::size_t& at = at_[agent.position()];
            next.kind = at < list.size() ? Next::Kind::step : Next::Kind::done;
            if (at < list.size()) {
                next.step = list[at++];
            }
        }

    private:
        std::vector<std::deque<Step>> lists_;
        std::vector<std::shared_ptr<StepBody>> bodies_;
        std::vector<std::size_t> at_;
    };

    Program program_;
    std::vector<std::deque<Step>> lists_;
    std::vector<std::shared_ptr<StepBody>> bodies_;
};

}  // namespace memwall::test
