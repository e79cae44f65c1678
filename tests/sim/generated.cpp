// SPDX-License-Identifier: Apache-2.0
#include "tests/sim/generated.hpp"

#include <random>
#include <string>

#include "tests/sim/script.hpp"

namespace memwall::test {

Program generated_program(const Machine& machine, unsigned seed,
                          const std::vector<std::size_t>& order, int rounds) {
    std::mt19937 random(seed);
    ProgramScript script;
    const UnitId engine = script.unit(machine.find("dma"), 2);
    const UnitId array = script.unit(machine.find("array"));
    const LinkId bus = machine.medium(machine.find("bus"));
    const LinkId read = machine.read_port(machine.find("buffer"));
    const LinkId write = machine.write_port(machine.find("buffer"));
    std::vector<AgentId> agents(order.size());
    for (const std::size_t which : order) {
        agents[which] = script.agent("agent " + std::to_string(which), static_cast<int>(which % 2));
    }
    std::vector<TokenId> tokens;
    for (std::size_t a = 0; a < order.size(); ++a) {
        tokens.push_back(script.token("token " + std::to_string(a)));
    }
    script.layers(4);
    script.program().rounds = rounds;
    for (std::size_t a = 0; a < order.size(); ++a) {
        for (int s = 0; s < 30; ++s) {
            const auto size = [&](unsigned most) {
                return 1 + static_cast<std::int64_t>(random() % most);
            };
            StepBody* body = nullptr;
            if (random() % 2 == 0) {
                body = script.compute(array, size(40), size(4));
            } else {
                body = script.move(engine,
                                   {{bus, Bytes(size(2'000))},
                                    {random() % 2 == 0 ? read : write, Bytes(size(2'000))}},
                                   size(6));
                if (random() % 3 == 0) {
                    std::get<Move>(body->what)
                        .dram.push_back({DramId(0), size(100'000), Bytes(size(5'000)), 1, 0,
                                         random() % 2 == 0});
                }
            }
            std::vector<TokenWait> waits;
            if (a > 0 && random() % 3 == 0) {
                waits.push_back({tokens[random() % a], size(30)});
            }
            Step& step = script.step(agents[a], body, waits, {{tokens[a]}});
            step.layer = LayerId(static_cast<std::int32_t>(s % 4));
            step.item = s * rounds / 30;
        }
    }
    return script.build();
}

Machine generated_machine() {
    MachineScript machine;
    machine.array();
    machine.dma(2);
    machine.bus(32);
    machine.buffer(1 << 20, 24);
    DramConfig dram = plain_dram();
    dram.channels = 2;
    dram.banks = 8;
    dram.bank_groups = 2;
    dram.timings.tCCD_L = 3;
    dram.timings.tREFI = 390;
    dram.timings.tRFC = 35;
    dram.timings.tRTW = 7;
    dram.timings.tWTR_S = dram.timings.tWTR_L = 5;
    dram.mapping = default_mapping(dram);
    machine.add("dram", ComponentKind::dram, dram);
    return machine.build();
}

}  // namespace memwall::test
