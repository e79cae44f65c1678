// SPDX-License-Identifier: Apache-2.0
// What cards have room for, how they are divided for it, and what is told of the rest.
#include <algorithm>
#include <catch2/catch.hpp>

#include "tests/study/small_cards.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace memwall;
using namespace memwall::test;

TEST_CASE("Where weights stay in a card's buffer, its stages are weighed so") {
    const auto stages = [](const char* buffer) {
        const ProgramRun run =
            run_memwall({"run", "--machine", "von_neumann_16", "--network", "granite_3b",
                         "--precision", "int4", "--phase", "decode", "--users", "28", "--context",
                         "2048", "--engine", "analytic", "--json", "-", "--set",
                         "machine.components.global_buffer.capacity=" + std::string(buffer)});
        INFO(run.err);
        REQUIRE(run.status == 0);
        return Json::parse(run.out)["runs"][0]["totals"]["pipeline"]["stages"].size();
    };
    CHECK(stages("32MiB") < 15);    // few stages with little way: each reads its weights anyway
    CHECK(stages("128MiB") == 15);  // 104 MiB of a block stay
}

TEST_CASE("Where a part does not fit once it is mapped, the cards are divided otherwise") {
    // The sum of its bytes fits fewer cards, but not what is in each core.
    const std::vector<std::string> tight = {"--set", "machine.components.core_memory.capacity=4KiB",
                                            "--set", "machine.components.core_memory.bank=1KiB",
                                            "--set", "machine.components.sequencer.program=64 B"};
    const auto prefill = [&](const char* tokens) {
        std::vector<std::string> more = {"--phase", "prefill",  "--prompt",
                                         tokens,    "--engine", "analytic"};
        more.insert(more.end(), tight.begin(), tight.end());
        return run_on_cards(more);
    };
    const ProgramRun fits = prefill("24");
    INFO(fits.err);
    CHECK(fits.status == 0);
    const ProgramRun none = prefill("96");
    CHECK(none.status == 2);
    CHECK(none.err.find(" more than its 4.00 KiB: ") != std::string::npos);
}

TEST_CASE("As many users as are told to fit do, and not one more") {
    const auto decode = [](std::int64_t users) {
        return run_on_cards({"--phase", "decode", "--users", std::to_string(users), "--context",
                             "40", "--engine", "analytic", "--json", "-", "--set",
                             "machine.components.core_memory.capacity=4KiB", "--set",
                             "machine.components.core_memory.bank=1KiB", "--set",
                             "machine.components.sequencer.program=64B"});
    };
    const auto told_by = [](const ProgramRun& run) {
        const std::string before = "; there is room for ";
        const std::size_t at = run.err.find(before);
        REQUIRE(at != std::string::npos);
        return std::stoll(run.err.substr(at + before.size()));
    };
    const auto most_of_layout = [](const ProgramRun& run) {
        REQUIRE(run.status == 0);
        return Json::parse(run.out)["runs"][0]["totals"]["pipeline"]["most_users"]
            .get<std::int64_t>();
    };
    const std::int64_t most = told_by(decode(500));
    CHECK(most_of_layout(decode(most)) == most);
    CHECK(told_by(decode(most + 1)) == most);
    const std::int64_t of_few = most_of_layout(decode(3));
    CHECK(of_few > 3);
    CHECK(of_few <= most);
    CHECK(decode(of_few).status == 0);
}

TEST_CASE("A context that has no room for one user is refused with one that has") {
    const auto decode = [](const std::string& context) {
        return run_on_cards({"--phase", "decode", "--context", context, "--engine", "analytic",
                             "--effort", "quick", "--set",
                             "machine.components.core_memory.capacity=32KiB", "--set",
                             "machine.components.sequencer.program=64B"});
    };
    const ProgramRun large = decode("1000000");
    CHECK(large.status == 2);
    INFO(large.err);
    const std::string before = "; there is room for a context of ";
    const std::size_t at = large.err.find(before);
    REQUIRE(at != std::string::npos);
    std::string tokens = large.err.substr(at + before.size());
    tokens.resize(tokens.find(" tokens"));
    tokens.erase(std::remove(tokens.begin(), tokens.end(), ','), tokens.end());
    CHECK(decode(tokens).status == 0);
    CHECK(decode(std::to_string(std::stoll(tokens) * 66 / 64)).status == 2);
}

TEST_CASE("As many cards as are told to hold a network do") {
    const auto decode = [](std::int64_t cards) {
        return run_on_cards({"--phase", "decode", "--context", "40", "--engine", "analytic",
                             "--effort", "quick", "--set",
                             "machine.cards.count=" + std::to_string(cards), "--set",
                             "machine.components.core_memory.capacity=3KiB", "--set",
                             "machine.components.core_memory.bank=1KiB", "--set",
                             "machine.components.sequencer.program=64B"});
    };
    const ProgramRun one = decode(1);
    CHECK(one.status == 2);
    const std::size_t end = one.err.find(" cards would hold it");
    REQUIRE(end != std::string::npos);
    const std::size_t begin = one.err.rfind(' ', end - 1) + 1;
    CHECK(decode(std::stoll(one.err.substr(begin, end - begin))).status == 0);
}

TEST_CASE("A block that no card holds, nor equal parts of it, is cut where several tensors cross") {
    // Two blocks like Llama-2-70B's: 336 MiB of a feed-forward network at 4 bit, 192 MiB a card. No
    // number of cards has equal parts of 28,669 features.
    const TemporaryFolder folder;
    write_network(
        folder.path(), "wide", "decoder",
        "layers: 2, hidden: 8192, heads: 64, kv_heads: 8, inner: 28669, vocabulary: 1000");
    const ProgramRun run =
        run_memwall({"run", "--machine", "northpole_16", "--network", "./wide.yaml", "--precision",
                     "int4", "--phase", "decode", "--users", "2", "--engine", "analytic",
                     "--effort", "quick", "--json", "-"},
                    folder.path());
    INFO(run.err);
    REQUIRE(run.status == 0);
    const Json result = Json::parse(run.out)["runs"][0];
    const std::int64_t block =
        2 * 8192 * 8192 + 2 * 8192 * 1024 + 3 * 8192 * 28669 + 2 * 8192 * 2049;
    CHECK(result["totals"]["macs"] == 2 * (2 * block + 8192 * 1000));
    const Json& stages = result["totals"]["pipeline"]["stages"];
    REQUIRE(stages.size() == 6);
    const std::vector<std::string> begins = {"b1_norm1", "b1_up", "b1_down",
                                             "b2_norm1", "b2_up", "b2_down"};
    for (std::size_t s = 0; s < stages.size(); ++s) {
        CHECK(stages[s]["first"] == begins[s]);
        CHECK(stages[s]["held_bytes"].get<double>() <= 192.0 * 1024 * 1024);
    }
    CHECK(stages.back()["last"] == "output");
}

TEST_CASE("A prompt that is too long for the cards is told how it can be read") {
    const ProgramRun run =
        run_on_cards({"--phase", "prefill", "--prompt", "100000", "--engine", "analytic"});
    CHECK(run.status == 2);
    CHECK(run.err.find("have to lie on one card, which holds 192 MiB") != std::string::npos);
    CHECK(run.err.find("--chunk N reads N at a time") != std::string::npos);
}

TEST_CASE("What cards cannot do is told") {
    const auto fault = [](const std::vector<std::string>& more) {
        const ProgramRun run = run_on_cards(more);
        CHECK(run.status == 2);
        return run.err;
    };
    CHECK(fault({"--phase", "offline"}).find("has cards, which go through the phases stream") !=
          std::string::npos);
    CHECK(fault({"--phase", "training_step", "--precision", "int8"}).find("cannot train") !=
          std::string::npos);
    const std::string users =
        fault({"--phase", "decode", "--users", "100000", "--context", "100000"});
    CHECK(users.find("the caches of 100000 users do not; there is room for ") != std::string::npos);
    CHECK(fault(decode_with({"--set", "network.parameters.vocabulary=100000000"}))
              .find("its weights take") != std::string::npos);
    CHECK(fault(decode_with({"--set", "machine.cards.instances=3"}))
              .find("expected a number that divides the 16 cards into equal parts, found '3'") !=
          std::string::npos);
    CHECK(run_on_cards({"--phase", "training_step", "--precision", "int8"}, "von_neumann_16")
              .err.find("has cards, over which training is not modelled") != std::string::npos);
    CHECK(fault(decode_with({"--set", "machine.cards.hop=fast"})).find("'hop' in 'cards'") !=
          std::string::npos);
    CHECK(fault(decode_with({"--set", "machine.cards.conut=3"})).find("unknown key 'conut'") !=
          std::string::npos);
}
