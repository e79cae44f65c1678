// SPDX-License-Identifier: Apache-2.0
// Training steps on a GPU: the traffic of products and updates worked out by hand, the depth that
// is cut where a product sums over a batch, and what a step keeps in memory.
#include <catch2/catch.hpp>
#include <map>
#include <tuple>

#include "arch/estimate.hpp"
#include "arch/wave/block_plan.hpp"
#include "arch/wave_mapper.hpp"
#include "tests/support/machines.hpp"
#include "workloads/training.hpp"
#include "workloads/transforms.hpp"

namespace memwall {
namespace {

constexpr std::int64_t kMiB = 1 << 20;

Network step_of(const std::string& text, Optimizer optimizer = Optimizer::adam,
                std::int64_t batch = 1) {
    return training_step(with_batch(test::network_of_text(text), batch), optimizer);
}

/// A mapped step, and what each layer does at a component.
class MappedStep {
public:
    MappedStep(Network network, const Machine& machine)
        : network_(std::move(network)), mapping_(map_network(network_, machine, one_round())) {
        const Outcome outcome = estimate(mapping_.program, machine, Window{0});
        for (std::size_t r = 0; r < outcome.counts.size(); ++r) {
            const ActionKey& key = mapping_.program.actions.key(RowId(r));
            const std::string component = machine.component(key.component).name;
            counts_[{network_.layer(key.layer).name, component, key.action, key.tensor}] +=
                outcome.counts[r];
            sums_[{component, key.action}] += outcome.counts[r];
        }
        for (const OccupancyChange& change : mapping_.program.resident) {
            held_[machine.component(change.memory).name] += change.reserved;
        }
    }

    [[nodiscard]] std::int64_t dram(const std::string& layer, Action action,
                                    TensorRole role) const {
        const auto found = counts_.find({layer, "dram", action, role});
        return found == counts_.end() ? 0 : found->second;
    }
    [[nodiscard]] std::int64_t sum(const std::string& component, Action action) const {
        return sums_.at({component, action});
    }
    [[nodiscard]] std::int64_t held(const std::string& memory) const { return held_.at(memory); }
    [[nodiscard]] const LayerMapping& layer(const std::string& name) const {
        return mapping_.layers[network_.find_layer(name).position()];
    }
    [[nodiscard]] const Network& network() const { return network_; }

private:
    static MapperOptions one_round() {
        MapperOptions options;
        options.rounds = 1;
        return options;
    }

    Network network_;
    Mapping mapping_;
    std::map<std::tuple<std::string, std::string, Action, TensorRole>, std::int64_t> counts_;
    std::map<std::pair<std::string, Action>, std::int64_t> sums_;
    std::map<std::string, std::int64_t> held_;
};

/// `bytes`, less what the cache may have of it.
void check_nearly(std::int64_t found, std::int64_t bytes, std::int64_t cache) {
    CHECK(found <= bytes);
    CHECK(found >= bytes - cache);
}

const std::string kTwoLinear =
    "network: n\nsource: s\nprecision: fp16\ninputs: {x: [16384, 1024]}\nlayers:\n"
    "  - {name: a, op: linear, out_features: 1024, bias: false}\n"
    "  - {name: b, op: linear, out_features: 1024, bias: false}\n";

}  // namespace

TEST_CASE("The three products of a linear layer and its update move what is counted by hand") {
    // 16,384 rows of 1,024 halves: 32 MiB each of inputs, results and their gradients; weights and
    // their gradient 2 MiB each; the copy, the mean and the variance 4 MiB each. 4 MiB of cache.
    const MappedStep step(step_of(kTwoLinear), test::shipped_machine("t4"));
    const std::int64_t rows = 32 * kMiB;
    const std::int64_t cache = 4 * kMiB;
    using A = Action;
    using R = TensorRole;
    check_nearly(step.dram("b", A::read, R::inputs), rows, cache);
    check_nearly(step.dram("b", A::read, R::weights), 2 * kMiB, 2 * kMiB);
    // The loss runs on the results' way out, so that their gradient is what is written.
    CHECK(step.dram("b", A::write, R::outputs) == 0);
    CHECK(step.dram("b.loss", A::write, R::outputs) == rows);
    check_nearly(step.dram("b.weight_gradient", A::read, R::inputs), 2 * rows, cache);
    check_nearly(step.dram("b.input_gradient", A::read, R::inputs), rows, cache);
    check_nearly(step.dram("b.input_gradient", A::read, R::weights), 2 * kMiB, 2 * kMiB);
    check_nearly(step.dram("b.input_gradient", A::write, R::outputs), rows, cache);
    check_nearly(step.dram("b.update", A::read, R::inputs), 2 * kMiB, cache);
    CHECK(step.dram("b.update", A::read, R::state) == 12 * kMiB);
    CHECK(step.dram("b.update", A::write, R::state) == 12 * kMiB);
    CHECK(step.dram("b.update", A::write, R::outputs) == 2 * kMiB);
    CHECK(step.sum("tensor_cores", A::mac) == 5LL * 16384 * 1024 * 1024);  // no gradient of x
}

TEST_CASE("Plain gradient descent keeps no state but the copy in fp32, and fp32 not even that") {
    const Machine machine = test::shipped_machine("t4");
    const MappedStep sgd(step_of(kTwoLinear, Optimizer::sgd), machine);
    CHECK(sgd.dram("b.update", Action::read, TensorRole::state) == 4 * kMiB);
    CHECK(sgd.dram("b.update", Action::write, TensorRole::outputs) == 2 * kMiB);
    const Machine wide = test::shipped_machine(
        "t4", {{"components.tensor_cores.lanes.fp32", "{inputs: 4, outputs: 64}"}});
    std::string text = kTwoLinear;
    text.replace(text.find("fp16"), 4, "fp32");
    const MappedStep plain(step_of(text, Optimizer::sgd), wide);
    CHECK(plain.dram("b.update", Action::read, TensorRole::state) == 0);
    CHECK(plain.dram("b.update", Action::read, TensorRole::weights) == 4 * kMiB);
    CHECK(plain.dram("b.update", Action::write, TensorRole::outputs) == 4 * kMiB);
}

TEST_CASE("A product over a batch is cut along its depth where its results fill no wave") {
    // 40 cores of 1,024 multiply-accumulates a cycle and 64 elementwise lanes; 64 B a cycle and
    // core, no latency of the bus to speak of in what follows.
    const Machine machine =
        test::shipped_machine("t4", {{"components.tensor_cores.issue_efficiency", "1"},
                                     {"components.l2.read_width", "1 MiB"},
                                     {"components.crossbar.width", "1 MiB"},
                                     {"components.crossbar.latency", "1 cycles"}});
    const Hierarchy gpu(machine, ComponentKind::cache, "wave");
    ProductDemand demand;
    demand.shape = {1, 128, 128, 1 << 20};
    demand.macs_per_cycle = 1024;
    demand.operand_bits = 16;
    const BlockPlan whole = plan_blocks(demand, gpu, {500});
    CHECK(whole.slices == 1);
    CHECK(whole.core_cycles > 64.0 * 32 * (1 << 20) / 1024);  // four or eight blocks on 40 cores
    demand.cuts_depth = true;
    const BlockPlan cut = plan_blocks(demand, gpu, {500});
    CHECK(cut.slices > 4);
    CHECK(cut.core_cycles < whole.core_cycles / 3);
    CHECK(cut.core_cycles > 128.0 * 128 * (1 << 20) / (40 * 1024));
    CHECK(cut.sum_bytes == Approx((cut.slices - 1) * 128 * 128 * 4));
    // A cache of which half does not hold the sums: they are not cut.
    demand.shape = {1, 1024, 1024, 1 << 14};
    const Machine small = test::shipped_machine("t4", {{"components.l2.capacity", "7 MiB"}});
    CHECK(plan_blocks(demand, Hierarchy(small, ComponentKind::cache, "wave"), {500}).slices == 1);
}

TEST_CASE("An input gradient of a stride has as many multiplications as its forward layer") {
    for (const char* kernel : {"1", "3, padding: 1"}) {
        const Network network = step_of(
            "network: n\nsource: s\nprecision: fp16\ninputs: {x: [64, 56, 56]}\nlayers:\n"
            "  - {name: a, op: conv, out_channels: 64, kernel: 1, bias: false}\n"
            "  - {name: b, op: conv, out_channels: 128, stride: 2, bias: false, kernel: " +
                std::string(kernel) + "}\n",
            Optimizer::sgd, 4);
        INFO(kernel);
        const Layer& layer = network.layer(network.find_layer("b.input_gradient"));
        CHECK(layer.macs() == network.layer(network.find_layer("b")).macs());
        const MatrixShape shape = matrix_shape(layer);
        const std::int64_t results = shape.groups * shape.rows * shape.columns;
        CHECK(results * shape.depth >= layer.macs());
        CHECK(results * (shape.depth - 1) < layer.macs());
    }
}

TEST_CASE("ResNet-50 trains with exactly the multiplications that its step counts") {
    const Machine machine = test::shipped_machine("a100_sxm_80gb");
    const Network network = test::shipped_network("resnet50");
    const MappedStep step(
        training_step(
            with_batch(
                with_precision(network,
                               PrecisionPolicy{Precision::fp16, Precision::fp16, std::nullopt, {}}),
                32),
            Optimizer::momentum),
        machine);
    // Less the gradient of the image: conv1 has 118,013,952 MACs.
    CHECK(step.network().macs() == 32 * (3 * 4'089'184'256 - 118'013'952));
    CHECK(step.sum("tensor_cores", Action::mac) == step.network().macs());
    CHECK(step.sum("lanes", Action::vector) >= step.network().vector_operations());
    const TrainingMemory memory = training_memory(step.network());
    CHECK(step.held("dram") >=
          (memory.parameters + memory.masters + memory.optimizer).count() + memory.saved.count());
    CHECK(step.held("dram") < memory.total().count() * 11 / 10);
}

TEST_CASE("The softmax of an attention goes to memory in training, since its gradient reads it") {
    const std::string shape = "[256, 256]";
    const MappedStep step(
        step_of("network: n\nsource: s\nprecision: fp16\ninputs: {x: " + shape + "}\nlayers:\n" +
                    "  - {name: q, op: linear, inputs: x, out_features: 256, heads: 4}\n"
                    "  - {name: k, op: linear, inputs: x, out_features: 256, heads: 4}\n"
                    "  - {name: v, op: linear, inputs: x, out_features: 256, heads: 4}\n"
                    "  - {name: y, op: attention, inputs: [q, k, v]}\n",
                Optimizer::sgd, 64),
        test::shipped_machine("t4"));
    const std::int64_t scores = 64LL * 4 * 256 * 256 * 2;
    check_nearly(step.dram("y.softmax", Action::write, TensorRole::outputs), scores, 4 * kMiB);
    CHECK(step.layer("y.softmax").fused == false);
}

TEST_CASE("Gradients of layers that stand alone stand alone") {
    const std::string text =
        "network: n\nsource: s\nprecision: fp16\ninputs: {x: [64, 56, 56]}\nlayers:\n"
        "  - {name: a, op: conv, out_channels: 64, kernel: 3, padding: 1, bias: false}\n"
        "  - {name: r, op: relu}\n"
        "  - {name: b, op: conv, out_channels: 64, kernel: 3, padding: 1, bias: false}\n";
    const Machine machine = test::shipped_machine("t4");
    const MappedStep fused(step_of(text, Optimizer::adam, 64), machine);
    const MappedStep apart(step_of(text + "transforms: [{fuse: false}]\n", Optimizer::adam, 64),
                           machine);
    CHECK(fused.layer("r.input_gradient").fused);
    CHECK_FALSE(apart.layer("r.input_gradient").fused);
    CHECK(apart.sum("dram", Action::read) > fused.sum("dram", Action::read));
}

}  // namespace memwall
