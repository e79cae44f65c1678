// SPDX-License-Identifier: Apache-2.0
// Training steps on integers: gradients against their definition, and mapped steps against the
// layers that they are made of.
#include <catch2/catch.hpp>
#include <map>
#include <string>

#include "arch/executor.hpp"
#include "arch/layer_arithmetic.hpp"
#include "arch/mapper.hpp"
#include "tests/support/generated_forms.hpp"
#include "tests/support/machines.hpp"
#include "workloads/training.hpp"
#include "workloads/transforms.hpp"

namespace memwall {
namespace {

using test::Draw;
using test::Generated;

/// All tensors of a network, computed from random integers.
struct Evaluated {
    explicit Evaluated(const Network& of, Draw& draw) : network(of), stored(network) {
        std::vector<Words> given(network.tensors().size());
        for (std::size_t t = 0; t < given.size(); ++t) {
            if (network.tensors()[t].producer.valid()) {
                continue;
            }
            given[t] = Words(stored.count(TensorId(t)));
            for (std::size_t w = 0; w < given[t].values.size(); ++w) {
                given[t].values[w] = draw(-9, 9);
                given[t].known[w] = true;
            }
        }
        tensors = evaluate(network, stored, std::move(given));
    }

    [[nodiscard]] std::int64_t at(const std::string& tensor,
                                  const std::vector<std::int64_t>& indices) const {
        const TensorId id = network.find_tensor(tensor);
        const Words& words = tensors[stored.storage(id).position()];
        const auto position = static_cast<std::size_t>(stored.position(id, indices));
        REQUIRE(words.known[position]);
        return words.values[position];
    }

    Network network;
    StoredWords stored;
    std::vector<Words> tensors;
};

struct ConvCase {
    std::int64_t batch, channels, size, filters, kernel, stride, padding, dilation, groups;
};

Network conv_step(const ConvCase& c) {
    const auto number = [](std::int64_t value) { return std::to_string(value); };
    const Network network = test::network_of_text(
        "network: n\ninputs: {x: [" + number(c.channels) + ", " + number(c.size) + ", " +
        number(c.size) + "]}\nlayers:\n- {name: a, op: conv, out_channels: " + number(c.channels) +
        ", kernel: 1}\n- {name: c, op: conv, out_channels: " + number(c.filters) + ", kernel: " +
        number(c.kernel) + ", stride: " + number(c.stride) + ", padding: " + number(c.padding) +
        ", dilation: " + number(c.dilation) + ", groups: " + number(c.groups) + "}\n");
    return training_step(with_batch(network, c.batch), Optimizer::sgd);
}

/// The sums that a convolution's gradients are, straight from y[k, p, q] = sum w[k, c, r, s]
/// x[c, stride p + dilation r - padding, ...].
void check_gradients(const ConvCase& c, const Evaluated& step) {
    const std::int64_t positions = step.network.tensor(step.network.find_tensor("c")).shape[1];
    const std::int64_t per_group = c.channels / c.groups;
    const std::int64_t filters_of = c.filters / c.groups;
    std::map<std::vector<std::int64_t>, std::int64_t> dw, dx;
    for (std::int64_t n = 0; n < c.batch; ++n)
        for (std::int64_t k = 0; k < c.filters; ++k)
            for (std::int64_t p = 0; p < positions; ++p)
                for (std::int64_t q = 0; q < positions; ++q)
                    for (std::int64_t i = 0; i < per_group; ++i)
                        for (std::int64_t r = 0; r < c.kernel; ++r)
                            for (std::int64_t s = 0; s < c.kernel; ++s) {
                                const std::int64_t row = c.stride * p + c.dilation * r - c.padding;
                                const std::int64_t col = c.stride * q + c.dilation * s - c.padding;
                                if (row < 0 || col < 0 || row >= c.size || col >= c.size) {
                                    continue;
                                }
                                const std::int64_t channel = k / filters_of * per_group + i;
                                const std::int64_t dy = step.at("c.loss", {n, k, p, q});
                                dw[{k, i, r, s}] += dy * step.at("a", {n, channel, row, col});
                                dx[{n, channel, row, col}] +=
                                    dy * step.at("c.weights", {k, i, r, s});
                            }
    for (std::int64_t k = 0; k < c.filters; ++k)
        for (std::int64_t i = 0; i < per_group; ++i)
            for (std::int64_t r = 0; r < c.kernel; ++r)
                for (std::int64_t s = 0; s < c.kernel; ++s) {
                    const std::int64_t right = dw[{k, i, r, s}];
                    CHECK(step.at("c.weight_gradient", {k, i, r, s}) == right);
                }
    for (std::int64_t n = 0; n < c.batch; ++n)
        for (std::int64_t channel = 0; channel < c.channels; ++channel)
            for (std::int64_t row = 0; row < c.size; ++row)
                for (std::int64_t col = 0; col < c.size; ++col) {
                    const std::int64_t right = dx[{n, channel, row, col}];
                    CHECK(step.at("c.input_gradient", {n, channel, row, col}) == right);
                }
}

Machine machine_for(Draw& draw) {
    test::Overrides overrides;
    const std::string buffer = draw.chance(50) ? "2 KiB" : "16 KiB";
    overrides.emplace_back("components.global_buffer.capacity", buffer);
    const std::string operands = draw.chance(50) ? "512 B" : "4 KiB";
    overrides.emplace_back("components.operand_buffer.capacity", operands);
    overrides.emplace_back("components.operand_buffer.bank", operands);
    return draw.chance(75) ? test::shipped_machine("tiny_von_neumann", overrides)
                           : test::machine_without_host("tiny_von_neumann", overrides);
}

Generated drawn_network(Draw& draw, std::uint32_t seed) {
    switch (seed % 8) {
        case 0:
            return test::generated_attention(draw, false);
        case 1:
            return test::generated_conv(draw);
        case 2:
            return test::generated_gated_network(draw);
        case 3:
            return test::generated_conv_transpose(draw);
        case 4:
            return test::generated_shared_weights(draw);
        case 5:
            return test::generated_sliding(draw);
        case 6:
            return test::generated_embedding(draw);
        default:
            return test::generated_network(draw, 3);
    }
}

}  // namespace

TEST_CASE("A convolution's gradients are the sums of their definition") {
    Draw draw(3);
    for (const ConvCase& c : std::vector<ConvCase>{{2, 2, 5, 3, 3, 1, 1, 1, 1},
                                                   {1, 2, 8, 2, 3, 2, 1, 1, 1},
                                                   {2, 1, 7, 2, 2, 2, 0, 1, 1},
                                                   {1, 4, 6, 4, 3, 1, 1, 1, 4},
                                                   {2, 4, 6, 2, 1, 2, 0, 1, 2},
                                                   {1, 2, 9, 2, 3, 1, 2, 2, 1},
                                                   {1, 1, 9, 1, 3, 4, 0, 1, 1},
                                                   {1, 2, 6, 2, 5, 3, 4, 1, 1},
                                                   {3, 2, 4, 2, 4, 1, 0, 1, 1},
                                                   {1, 2, 11, 2, 3, 2, 1, 3, 1},
                                                   {2, 1, 11, 2, 3, 3, 2, 2, 1},
                                                   {1, 2, 9, 2, 3, 2, 1, 2, 1},
                                                   {1, 2, 10, 2, 3, 4, 3, 2, 2},
                                                   {1, 1, 13, 1, 3, 4, 3, 6, 1},
                                                   {1, 1, 11, 2, 2, 6, 5, 4, 1},
                                                   {1, 1, 1, 1, 2, 2, 1, 2, 1}}) {
        INFO("size " << c.size << " kernel " << c.kernel << " stride " << c.stride << " padding "
                     << c.padding << " dilation " << c.dilation << " groups " << c.groups);
        check_gradients(c, Evaluated(conv_step(c), draw));
    }
}

TEST_CASE("Linear, matrix and transposed gradients are the sums of their definition") {
    Draw draw(4);
    const Network network = test::network_of_text(
        "network: n\ninputs: {x: [3, 4]}\nlayers:\n"
        "- {name: a, op: linear, out_features: 6, heads: 2}\n"
        "- {name: b, op: linear, inputs: x, out_features: 6, heads: 2}\n"
        "- {name: m, op: matmul, inputs: [a, b], transpose: true}\n"
        "- {name: o, op: linear, out_features: 5, merge_heads: true}\n");
    const Evaluated step(training_step(with_batch(network, 2), Optimizer::sgd), draw);
    for (std::int64_t h = 0; h < 2; ++h) {
        for (std::int64_t i = 0; i < 3; ++i) {
            std::int64_t dw = 0;
            for (std::int64_t n = 0; n < 2; ++n) {
                for (std::int64_t f = 0; f < 3; ++f) {
                    std::int64_t da = 0;
                    std::int64_t db = 0;
                    for (std::int64_t j = 0; j < 3; ++j) {
                        da +=
                            step.at("o.input_gradient", {n, h, i, j}) * step.at("b", {n, h, j, f});
                        db +=
                            step.at("o.input_gradient", {n, h, j, i}) * step.at("a", {n, h, j, f});
                    }
                    CHECK(step.at("m.input_gradient_1", {n, h, i, f}) == da);
                    CHECK(step.at("m.input_gradient_2", {n, h, i, f}) == db);
                }
                for (std::int64_t p = 0; p < 3; ++p) {
                    dw += step.at("o.loss", {n, p, 4}) * step.at("m", {n, h, p, i});
                    std::int64_t dm = 0;
                    for (std::int64_t k = 0; k < 5; ++k) {
                        dm += step.at("o.loss", {n, p, k}) * step.at("o.weights", {k, h, i});
                    }
                    CHECK(step.at("o.input_gradient", {n, h, p, i}) == dm);
                }
            }
            CHECK(step.at("o.weight_gradient", {4, h, i}) == dw);
        }
    }
}

TEST_CASE("A mapped training step computes what its layers are") {
    std::int64_t mapped = 0;
    std::int64_t refused = 0;
    for (std::uint32_t seed = 1; seed <= 120; ++seed) {
        Draw draw(seed);
        const Generated made = drawn_network(draw, seed);
        const Machine machine = machine_for(draw);
        INFO("seed " << seed << "\n" << made.yaml);
        MapperOptions options;
        options.effort = Effort::quick;
        options.rounds = 2;
        options.images = true;
        Network step;
        Mapping mapping;
        try {
            const auto optimizer = static_cast<Optimizer>(draw(0, 2));
            step = training_step(with_batch(made.network, draw(1, 2)), optimizer);
            mapping = map_network(step, machine, options);
        } catch (const InputError&) {
            ++refused;
            continue;
        }
        ++mapped;
        ExecutionOptions execution;
        execution.seed = seed;
        execution.buffered = {{machine.find("operand_buffer"), 2},
                              {machine.find("accumulators"), 2}};
        try {
            CHECK(execute(step, machine, mapping.program, execution).outputs > 0);
        } catch (const InternalError& error) {
            FAIL_CHECK(error.what());
        }
    }
    INFO(refused << " refused");
    CHECK(mapped >= 60);
}

}  // namespace memwall
