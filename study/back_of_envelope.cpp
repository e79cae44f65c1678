// SPDX-License-Identifier: Apache-2.0
#include "study/back_of_envelope.hpp"

#include "arch/core_split.hpp"
#include "arch/fused_layer.hpp"
#include "sim/assemble_result.hpp"

namespace memwall {

Seconds back_of_envelope(const Network& network, const Machine& machine) {
    ensure(!machine.drams().empty(), "only a machine with a DRAM has one to wait for");
    const double bandwidth = machine.dram(DramId(std::size_t{0})).peak().count();
    const auto& array = std::get<MacArrayConfig>(
        machine.component(machine.of_kind(ComponentKind::mac_array).front()).config);
    double seconds = 0;
    for (const FusedLayer& fused : fuse_layers(network)) {
        const Layer& root = network.layer(fused.root);
        if (root.macs() > 0) {
            const ArrayShape* shape = array_shape(array, root.precision);
            ensure(shape != nullptr, "layers without lanes are refused before");
            seconds +=
                static_cast<double>(root.macs()) / peak_macs_per_second(machine, shape->precision);
        }
        Bytes moved = network.tensor_bytes(fused.output);
        for (const auto* list : {&fused.inputs, &fused.operands}) {
            for (const TensorId tensor : *list) {
                moved += network.tensor_bytes(tensor);
            }
        }
        moved += Bytes(weight_bytes_read(network, fused, root.space.extents));
        seconds += static_cast<double>(moved.count()) / bandwidth;
    }
    return Seconds(seconds);
}

}  // namespace memwall
