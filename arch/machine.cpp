// SPDX-License-Identifier: Apache-2.0
#include "arch/machine.hpp"

#include <algorithm>
#include <array>
#include <boost/graph/adjacency_list.hpp>
#include <cmath>

#include "base/error.hpp"

namespace memwall {

const char* name(Dataflow dataflow) {
    switch (dataflow) {
        case Dataflow::dot_product:
            return "dot_product";
        case Dataflow::weight_stationary:
            return "weight_stationary";
        case Dataflow::input_stationary:
            return "input_stationary";
        case Dataflow::row_stationary:
            return "row_stationary";
        case Dataflow::output_stationary:
            return "output_stationary";
    }
    fail("unknown dataflow");
}

const char* name(ComponentKind kind) {
    switch (kind) {
        case ComponentKind::dram:
            return "dram";
        case ComponentKind::sram:
            return "sram";
        case ComponentKind::cache:
            return "cache";
        case ComponentKind::register_file:
            return "register_file";
        case ComponentKind::mac_array:
            return "mac_array";
        case ComponentKind::vector_unit:
            return "vector_unit";
        case ComponentKind::mesh:
            return "mesh";
        case ComponentKind::bus:
            return "bus";
        case ComponentKind::link:
            return "link";
        case ComponentKind::dma:
            return "dma";
    }
    fail("unknown component kind");
}

struct Machine::Graph {
    boost::adjacency_list<boost::vecS, boost::vecS, boost::undirectedS> edges;
};

namespace {

constexpr std::int64_t kMeshPorts = 6;

/// Appends the links that transfers through one component share.
class LinkBuilder {
public:
    LinkBuilder(const Component& component, ComponentId id, const ClockDomain& clock,
                std::vector<Link>& links)
        : component_(component), id_(id), clock_(clock), links_(links) {}

    void operator()(const MemoryConfig& memory) {
        // Instances work side by side: the ports of a group are one link of their summed width.
        const auto instances = static_cast<double>(component_.instances);
        add("read port", static_cast<double>(memory.read_width.count()) * instances);
        add("write port", static_cast<double>(memory.write_width.count()) * instances);
    }
    void operator()(const BusConfig& bus) { add("", static_cast<double>(bus.width.count())); }
    void operator()(const LinkConfig& link) {
        const double width =
            link.bandwidth.count() / static_cast<double>(clock_.frequency().count());
        add("in", width);
        add("out", width);
    }
    void operator()(const MeshConfig& mesh) {
        static constexpr std::array<const char*, kMeshPorts> kNames = {"east",  "west",   "north",
                                                                       "south", "inject", "eject"};
        for (std::int64_t row = 0; row < mesh.rows; ++row) {
            for (std::int64_t column = 0; column < mesh.columns; ++column) {
                for (const char* port : kNames) {
                    add("(" + std::to_string(column) + ", " + std::to_string(row) + ") " + port,
                        static_cast<double>(mesh.link_width.count()));
                }
            }
        }
    }
    template <class Other>
    void operator()(const Other&) {}

private:
    void add(const std::string& port, double width) {
        links_.push_back(
            {component_.name + (port.empty() ? "" : " " + port), id_, component_.clock, width});
    }

    const Component& component_;
    ComponentId id_;
    const ClockDomain& clock_;
    std::vector<Link>& links_;
};

}  // namespace

Bytes Component::capacity() const {
    if (const auto* memory = std::get_if<MemoryConfig>(&config)) {
        return Bytes(checked_multiply(memory->capacity.count(), instances));
    }
    const auto* dram = std::get_if<DramConfig>(&config);
    return dram != nullptr ? dram->capacity : Bytes(0);
}

Machine::Machine(Parts parts) : parts_(std::move(parts)), graph_(std::make_unique<Graph>()) {
    for (std::size_t c = 0; c < parts_.components.size(); ++c) {
        const Component& component = parts_.components[c];
        const ComponentId id(c);
        ensure(component.clock.valid() && component.clock.position() < parts_.clocks.size(),
               "every component has a clock of the machine");
        boost::add_vertex(graph_->edges);
        first_link_.emplace_back(links_.size());
        std::visit(LinkBuilder(component, id, clock(component.clock), links_), component.config);
        if (component.kind == ComponentKind::dram) {
            drams_.push_back(id);
        }
    }
    for (const auto& [a, b] : parts_.connections) {
        boost::add_edge(a.position(), b.position(), graph_->edges);
    }
}

Machine::~Machine() = default;
Machine::Machine(Machine&&) noexcept = default;
Machine& Machine::operator=(Machine&&) noexcept = default;

const DramConfig& Machine::dram(DramId id) const {
    return std::get<DramConfig>(component(drams_[id.position()]).config);
}

bool Machine::has_rows() const {
    return std::any_of(drams_.begin(), drams_.end(), [this](ComponentId dram) {
        return std::get<DramConfig>(component(dram).config).model == DramModel::banked;
    });
}

ComponentId Machine::find(const std::string& name) const {
    for (std::size_t c = 0; c < parts_.components.size(); ++c) {
        if (parts_.components[c].name == name) {
            return ComponentId(c);
        }
    }
    return {};
}

std::vector<ComponentId> Machine::of_kind(ComponentKind kind) const {
    std::vector<ComponentId> found;
    for (std::size_t c = 0; c < parts_.components.size(); ++c) {
        if (parts_.components[c].kind == kind) {
            found.emplace_back(c);
        }
    }
    return found;
}

std::vector<ComponentId> Machine::neighbours(ComponentId id) const {
    std::vector<ComponentId> found;
    const auto [begin, end] = boost::adjacent_vertices(id.position(), graph_->edges);
    for (auto it = begin; it != end; ++it) {
        found.emplace_back(static_cast<std::size_t>(*it));
    }
    return found;
}

namespace {

LinkId nth(LinkId first, std::int64_t n, const std::vector<Link>& links) {
    const LinkId id(static_cast<std::int32_t>(first.value + n));
    return links[id.position()].bytes_per_cycle > 0 ? id : LinkId();
}

}  // namespace

Cycles Machine::read_latency(ComponentId memory) const {
    const auto* config = std::get_if<MemoryConfig>(&component(memory).config);
    return config != nullptr ? config->latency : Cycles(0);
}

LinkId Machine::read_port(ComponentId memory) const {
    return nth(first_link_[memory.position()], 0, links_);
}

LinkId Machine::write_port(ComponentId memory) const {
    return nth(first_link_[memory.position()], 1, links_);
}

LinkId Machine::medium(ComponentId bus) const {
    return nth(first_link_[bus.position()], 0, links_);
}

LinkId Machine::inbound(ComponentId link) const {
    return nth(first_link_[link.position()], 0, links_);
}

LinkId Machine::outbound(ComponentId link) const {
    return nth(first_link_[link.position()], 1, links_);
}

LinkId Machine::mesh_link(ComponentId mesh, std::int64_t column, std::int64_t row,
                          Direction to) const {
    const auto& config = std::get<MeshConfig>(component(mesh).config);
    ensure(column >= 0 && column < config.columns && row >= 0 && row < config.rows,
           "a router lies inside its mesh");
    const std::int64_t router = row * config.columns + column;
    return nth(first_link_[mesh.position()], router * kMeshPorts + static_cast<std::int64_t>(to),
               links_);
}

const Sourced& Machine::energy_of(ComponentId id, Action action, Precision precision) const {
    for (const EnergyEntry& entry : component(id).energies) {
        if (entry.action == action && (!entry.precision || *entry.precision == precision)) {
            return entry.joules;
        }
    }
    fail("component '" + component(id).name + "' has no energy for action '" +
         memwall::name(action) + "'");
}

Watts Machine::standing_power() const {
    double watts = 0;
    for (const Component& component : components()) {
        watts += component.standing_power();
    }
    return Watts(watts);
}

SquareMillimetres total_area(const std::vector<Component>& components) {
    SquareMillimetres total(0);
    for (const Component& component : components) {
        total += component.area;
    }
    return total;
}

double PowerCap::voltage(Hertz clock, Hertz own) const {
    const double share = static_cast<double>(clock.count()) / static_cast<double>(own.count());
    return std::max(lowest_voltage, 1 - voltage_slope * (1 - share));
}

void scale_supply(Component& component, double ratio) {
    if (component.kind == ComponentKind::dram || component.kind == ComponentKind::link) {
        return;
    }
    const double square = ratio * ratio;
    for (EnergyEntry& entry : component.energies) {
        entry.joules = times(entry.joules, square);
    }
    component.static_power = times(component.static_power, square);
    component.clock_power = times(component.clock_power, square);
}

// MODEL: at a lower clock the voltage falls by the stated rule, and clock power with the clock too.
Machine Machine::at_clock(Hertz clock) const {
    ensure(parts_.power_cap.has_value() && parts_.clocks.size() == 1,
           "a clock is lowered under a power cap");
    Parts slower = parts_;
    const Hertz own = parts_.clocks.front().frequency();
    const double voltage = parts_.power_cap->voltage(clock, own);
    const double share = static_cast<double>(clock.count()) / static_cast<double>(own.count());
    slower.clocks.front() = ClockDomain(parts_.clocks.front().name(), clock);
    for (Component& component : slower.components) {
        scale_supply(component, voltage);
        component.clock_power = times(component.clock_power, share);
    }
    return Machine(std::move(slower));
}

Machine Machine::with_link_scaled(ComponentId component, double factor) const {
    Machine changed(parts_);
    for (Link& link : changed.links_) {
        if (link.component == component) {
            link.bytes_per_cycle *= factor;
        }
    }
    return changed;
}

}  // namespace memwall
