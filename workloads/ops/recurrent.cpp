// SPDX-License-Identifier: Apache-2.0
// rnn, lstm and gru: cells unrolled over time. The inputs of all steps are multiplied at once; the
// recurrent product comes step by step, with weights that all steps share.
#include "workloads/ops/build.hpp"
#include "workloads/ops/composite.hpp"
#include "workloads/ops/families.hpp"
#include "workloads/ops/planners.hpp"

namespace memwall::ops {
namespace {

constexpr std::int64_t kMostSteps = 10'000;

struct CellKeys {
    std::int64_t hidden = 1;
    std::int64_t projection = 0;  ///< 0: none
    bool peepholes = false;
    bool bias = true;
    bool all_steps = true;
    std::string activation = "tanh";  ///< of an rnn

    /// What a step gives to the next one, beside the cell.
    [[nodiscard]] std::int64_t state() const { return projection > 0 ? projection : hidden; }
};

/// An input of a cell: some of the words [1, size] of a tensor, one for each unit.
struct CellInput {
    PartSource source;
    std::int64_t gate = 0;  ///< the words of this gate
};

// MODEL: elementwise operations of a cell, sigmoid 4, tanh 5 and one for each product and sum
// (Hochreiter and Schmidhuber 1997 with forget gates; Cho et al. 2014 with the reset after the
// product). Peepholes are a product and a sum for each gate (Gers et al. 2002).
constexpr std::int64_t kLstmFirstCell = 10;  // i g: sigmoid, tanh, product
constexpr std::int64_t kLstmCell = 16;       // and f c: sigmoid, product, sum
constexpr std::int64_t kLstmHidden = 10;     // o tanh(c): sigmoid, tanh, product
constexpr std::int64_t kPeephole = 2;        // product, sum
constexpr std::int64_t kGruFirst = 16;       // z, r, n from the inputs alone, (1 - z) n
constexpr std::int64_t kGru = 21;            // r and z of two sums, n of r h, (1 - z) n + z h

/// Each unit of the result from the words of the same unit in each input.
Planner cell(std::int64_t units, const std::vector<std::int64_t>& gates, std::int64_t operations,
             std::int64_t parameters) {
    return [=](const PlanRequest& request) -> std::optional<LayerPlan> {
        LayerPlan plan;
        plan.output = {1, units};
        plan.other_parameters = parameters;
        plan.space = elementwise_space(plan.output, PointOperation::vector, operations);
        for (std::size_t input = 0; input < request.inputs.size(); ++input) {
            std::vector<Axis> axes = shape_axes(plan.output);
            axes[1].offset = gates[input] * units;
            axes[1].extent = request.inputs[input][1];
            plan.space.operands.push_back(inputs_operand(std::move(axes)));
        }
        plan.space.operands.push_back(outputs_operand(shape_axes(plan.output)));
        return plan;
    };
}

/// Unrolls one recurrent layer.
class Unrolling {
public:
    Unrolling(const CellKeys& keys, std::int64_t gates, const PlanRequest& request)
        : keys_(keys), gates_(gates), request_(request), parts_(request) {}

    [[nodiscard]] std::optional<Expansion> lstm() {
        return run([&](std::int64_t step) { lstm_step(step); });
    }

    [[nodiscard]] std::optional<Expansion> gru() {
        return run([&](std::int64_t step) { gru_step(step); });
    }

    [[nodiscard]] std::optional<Expansion> rnn() {
        return run([&](std::int64_t step) { rnn_step(step); });
    }

private:
    template <class Step>
    std::optional<Expansion> run(const Step& step) {
        const Shape& sequence = request_.inputs[0];
        if (sequence.size() != 2 || sequence[0] > kMostSteps) {
            return request_.fault("expected an input of shape [steps, features] with at most " +
                                  std::to_string(kMostSteps) + " steps, found " + text(sequence));
        }
        if (!check_state(1, keys_.state()) || !check_state(2, keys_.hidden)) {
            return std::nullopt;
        }
        steps_ = sequence[0];
        products_ = parts_.add("inputs", "linear", {Composite::input(0)},
                               linear_planner(gates_ * keys_.hidden, keys_.bias));
        if (request_.inputs.size() > 1) {
            state_ = Composite::input(1);
        }
        if (request_.inputs.size() > 2) {
            cell_ = Composite::input(2);
        }
        for (std::int64_t at = 0; at < steps_; ++at) {
            step(at);
        }
        if (keys_.all_steps) {
            parts_.add("", steps_ > 1 ? "concat" : "reshape", states_,
                       steps_ > 1 ? concat_planner(0) : same_words());
        }
        return parts_.finish();
    }

    bool check_state(std::size_t input, std::int64_t size) const {
        if (input >= request_.inputs.size() || request_.inputs[input] == Shape{1, size}) {
            return true;
        }
        request_.fault("expected a state of shape " + text(Shape{1, size}) + ", found " +
                       text(request_.inputs[input]));
        return false;
    }

    static Planner same_words() {
        return [](const PlanRequest& request) -> std::optional<LayerPlan> {
            LayerPlan plan;
            plan.output = request.inputs[0];
            return plan;
        };
    }

    [[nodiscard]] static std::string at(const char* part, std::int64_t step) {
        return part + std::to_string(step + 1);
    }

    /// Whether the step's state is the result of the layer.
    [[nodiscard]] std::string result_or(const char* part, std::int64_t step) const {
        return !keys_.all_steps && step + 1 == steps_ ? "" : at(part, step);
    }

    PartSource inputs_of(std::int64_t step) {
        return parts_.add(at("inputs", step), "slice", {products_},
                          slice_planner(0, step, step + 1));
    }

    PartSource recurrent(std::int64_t step, bool bias) {
        const PartSource product =
            parts_.add(at("recurrent", step), "linear", {*state_},
                       linear_planner(gates_ * keys_.hidden, bias), recurrent_);
        recurrent_ = recurrent_ ? recurrent_ : std::optional(product);
        return product;
    }

    PartSource add_cell(const std::string& part, const char* op,
                        const std::vector<CellInput>& inputs, std::int64_t operations,
                        std::int64_t parameters) {
        std::vector<PartSource> sources;
        std::vector<std::int64_t> gates;
        for (const CellInput& input : inputs) {
            sources.push_back(input.source);
            gates.push_back(input.gate);
        }
        return parts_.add(part, op, sources, cell(keys_.hidden, gates, operations, parameters));
    }

    void lstm_step(std::int64_t step) {
        PartSource gates = inputs_of(step);
        if (state_) {
            gates = parts_.add(at("gates", step), "add", {recurrent(step, false), gates},
                               add_planner());
        }
        std::vector<CellInput> inputs = {{gates, 0}, {gates, 2}};
        std::int64_t operations = kLstmFirstCell;
        if (cell_) {
            inputs.push_back({gates, 1});
            inputs.push_back({*cell_, 0});
            operations = kLstmCell + (keys_.peepholes ? 2 * kPeephole : 0);
        }
        const std::int64_t peepholes = keys_.peepholes && step == 0 ? keys_.hidden : 0;
        cell_ = add_cell(at("cell", step), "lstm_cell", inputs, operations, 2 * peepholes);
        const std::int64_t ends = kLstmHidden + (keys_.peepholes ? kPeephole : 0);
        const bool projects = keys_.projection > 0;
        const std::string name = projects ? at("hidden", step) : result_or("hidden", step);
        state_ = add_cell(name, "lstm_hidden", {{gates, 3}, {*cell_, 0}}, ends, peepholes);
        if (projects) {
            state_ = parts_.add(result_or("project", step), "linear", {*state_},
                                linear_planner(keys_.projection, false), project_);
            project_ = project_ ? project_ : state_;
        }
        states_.push_back(*state_);
    }

    void gru_step(std::int64_t step) {
        const PartSource gates = inputs_of(step);
        std::vector<CellInput> inputs = {{gates, 0}, {gates, 1}, {gates, 2}};
        if (state_) {
            const PartSource product = recurrent(step, keys_.bias);
            inputs.insert(inputs.end(), {{product, 0}, {product, 1}, {product, 2}, {*state_, 0}});
        }
        state_ =
            add_cell(result_or("hidden", step), "gru_hidden", inputs, state_ ? kGru : kGruFirst, 0);
        states_.push_back(*state_);
    }

    // MODEL: a plain cell is the function of a sum of two products (Elman 1990), with one bias.
    void rnn_step(std::int64_t step) {
        PartSource sum = inputs_of(step);
        if (state_) {
            sum = parts_.add(at("sum", step), "add", {recurrent(step, false), sum}, add_planner());
        }
        state_ = parts_.add(result_or("hidden", step), keys_.activation.c_str(), {sum},
                            plan_activation(keys_.activation));
        states_.push_back(*state_);
    }

    const CellKeys& keys_;
    std::int64_t gates_;
    const PlanRequest& request_;
    Composite parts_;
    std::int64_t steps_ = 0;
    PartSource products_;
    std::optional<PartSource> state_, cell_;         ///< of the step before
    std::optional<PartSource> recurrent_, project_;  ///< the first parts with these weights
    std::vector<PartSource> states_;
};

CellKeys read_keys(MapReader& reader) {
    CellKeys keys;
    keys.hidden = reader.required_positive<std::int64_t>("hidden");
    keys.bias = reader.optional<bool>("bias", true);
    keys.all_steps = reader.optional_choice("result", {"all", "last"}).value_or(0) == 0;
    return keys;
}

}  // namespace

Planner read_lstm(MapReader& reader) {
    CellKeys keys = read_keys(reader);
    keys.projection =
        reader.has("projection") ? reader.required_positive<std::int64_t>("projection") : 0;
    keys.peepholes = reader.optional<bool>("peepholes", false);
    return [keys](const PlanRequest& request) { return Unrolling(keys, 4, request).lstm(); };
}

Planner read_gru(MapReader& reader) {
    const CellKeys keys = read_keys(reader);
    return [keys](const PlanRequest& request) { return Unrolling(keys, 3, request).gru(); };
}

Planner read_rnn(MapReader& reader) {
    CellKeys keys = read_keys(reader);
    if (reader.optional_choice("activation", {"tanh", "relu"}).value_or(0) == 1) {
        keys.activation = "relu";
    }
    return [keys](const PlanRequest& request) { return Unrolling(keys, 1, request).rnn(); };
}

}  // namespace memwall::ops
