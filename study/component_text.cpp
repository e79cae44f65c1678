// SPDX-License-Identifier: Apache-2.0
#include "study/component_text.hpp"

#include <fmt/format.h>

#include "base/parse.hpp"

namespace memwall {
namespace {

std::string bandwidth(BytesPerSecond rate) {
    return fmt::format("{:.4g} GB/s", rate.count() / 1e9);
}

/// One line a configuration.
struct Describe {
    std::string operator()(const DramConfig& dram) const {
        const std::string text = format_bytes(dram.capacity) + ", " + bandwidth(dram.peak());
        if (dram.model == DramModel::simple) {
            return text + ", latency " + format_seconds(to_seconds(dram.latency));
        }
        return text + fmt::format(" in {} channel{} of {} banks", dram.channels,
                                  dram.channels == 1 ? "" : "s", dram.banks);
    }
    std::string operator()(const MemoryConfig& memory) const {
        std::string text = format_bytes(memory.capacity);
        if (memory.read_width.count() > 0) {
            text += ", reads " + format_bytes(memory.read_width) + " a cycle";
        }
        if (memory.write_width.count() > 0) {
            text += ", writes " + format_bytes(memory.write_width) + " a cycle";
        }
        if (memory.access.value > 0) {
            text += fmt::format(", a word after {:.3g} ns", memory.access.value * 1e9);
        }
        if (memory.latency.count() > 0) {
            text += fmt::format(" (latency {} {})", memory.latency.count(),
                                memory.latency == Cycles(1) ? "cycle" : "cycles");
        }
        if (memory.cluster > 1) {
            text += fmt::format(", clusters of {} share reads", memory.cluster);
        }
        return text;
    }
    std::string operator()(const MacArrayConfig& array) const {
        const bool rows = array.dataflow == Dataflow::row_stationary;
        const bool systolic = array.dataflow != Dataflow::dot_product && !rows;
        std::string text;
        for (const ArrayShape& shape : array.shapes) {
            text += fmt::format("{}{} {} x {} {} at {}", text.empty() ? "" : ", ", shape.inputs,
                                systolic ? "rows" : "inputs", shape.outputs,
                                systolic ? "columns" : "outputs", name(shape.precision));
        }
        if (systolic || rows) {
            text += fmt::format(", {}{}", name(array.dataflow),
                                array.loads_ahead ? ", loads ahead" : "");
        }
        text += array.gates_zeros ? ", zeros gated" : "";
        if (array.issue_efficiency < 1) {
            text += fmt::format(", in use {:.3g} of the time", array.issue_efficiency);
        }
        if (array.sparse) {
            text += fmt::format(", weights {}:{} sparse", array.sparse->kept, array.sparse->of);
        }
        return text;
    }
    std::string operator()(const VectorUnitConfig& unit) const {
        return fmt::format("{} lanes", unit.lanes) +
               (unit.precision ? fmt::format(" at {}", name(*unit.precision)) : "");
    }
    std::string operator()(const MeshConfig& mesh) const {
        return fmt::format("{} x {} routers, links of {} a cycle", mesh.columns, mesh.rows,
                           format_bytes(mesh.link_width));
    }
    std::string operator()(const BusConfig& bus) const {
        return format_bytes(bus.width) + " a cycle";
    }
    std::string operator()(const LinkConfig& link) const {
        return bandwidth(link.bandwidth) + " each way";
    }
    std::string operator()(const DmaConfig& dma) const {
        return fmt::format("{} transfer{} at once", dma.channels, dma.channels == 1 ? "" : "s") +
               (dma.setup.count() > 0 ? fmt::format(", set up in {} cycles", dma.setup.count())
                                      : "") +
               (dma.program > Bytes(0)
                    ? fmt::format(", programs of {} a layer and core", format_bytes(dma.program))
                    : "") +
               (dma.code ? ", run-length coded activations" : "");
    }
};

}  // namespace

std::string component_text(const Component& component) {
    return std::visit(Describe(), component.config);
}

std::string dram_rate_text(const DramRate& rate) {
    return fmt::format(
        "{} has the {} that are stated beside its type, which has {} of as many channels: its "
        "clock is {:.3g} times the type's",
        rate.dram, bandwidth(rate.stated), bandwidth(rate.own),
        rate.stated.count() / rate.own.count());
}

}  // namespace memwall
