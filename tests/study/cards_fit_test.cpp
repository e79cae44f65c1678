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

namespace {

/// Two equal blocks on GPUs that are a pipeline, whose caches hold next to nothing of them.
Json blocks_on_gpus(std::vector<std::string> more, const std::string& machine = "a100_sxm_80gb_pp8",
                    const std::string& network = "blocks") {
    const TemporaryFolder folder;
    const std::string sizes =
        "hidden: 1024, heads: 8, kv_heads: 2, inner: 4096, vocabulary: 32, layers: ";
    write_network(folder.path(), "blocks", "decoder", sizes + "2");
    write_network(folder.path(), "block", "decoder", sizes + "1");
    more.insert(more.begin(),
                {"run", "--machine", machine, "--network", "./" + network + ".yaml", "--precision",
                 "fp16", "--set", "machine.components.l2.capacity=1MiB"});
    return run_of(more, folder.path());
}

std::vector<std::string> decode_on_gpus(const std::vector<std::string>& more) {
    std::vector<std::string> all = {"--phase", "decode",   "--context",
                                    "100",     "--engine", "analytic"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
}

std::vector<std::string> gpus(const char* count, const char* together) {
    return {"--set", std::string("machine.cards.count=") + count, "--set",
            std::string("machine.cards.together=") + together};
}

std::vector<std::string> joined(std::vector<std::string> a, const std::vector<std::string>& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
}

double total(const Json& run, const char* key) {
    return run["totals"][key].get<double>();
}

/// Bytes that pass a component, and the joules of that.
std::pair<std::int64_t, double> sent_over(const Json& run, const std::string& name) {
    for (const Json& component : run["components"]) {
        if (component["name"] == name) {
            std::int64_t bytes = 0;
            double joules = 0;
            for (const Json& action : component["actions"]) {
                const bool sends = action["action"] == "transfer";
                bytes += sends ? action["count"].get<std::int64_t>() : 0;
                joules += sends ? action["energy_j"].get<double>() : 0;
            }
            return {bytes, joules};
        }
    }
    return {};
}

}  // namespace

TEST_CASE("GPUs hand on what the next one reads, and their stages add up to a round trip") {
    const Json run = blocks_on_gpus(joined(decode_on_gpus({"--users", "8"}), gpus("2", "4")));
    const Json& pipeline = run["totals"]["pipeline"];
    const Json& stages = pipeline["stages"];
    REQUIRE(stages.size() == 2);
    // Of 8 users in two groups: 1,024 features in fp16, and a token's number on the way back.
    CHECK(stages[0]["over_link_s"].get<double>() == Approx(3.4e-6 + 4 * 1024 * 2 / 240e9));
    const auto [bytes, joules] = sent_over(run, "nvlink");
    const std::int64_t tokens = bytes - 8 * 1024 * 2;
    CHECK(tokens > 0);
    CHECK(tokens <= 8 * 4);
    CHECK(joules == Approx(static_cast<double>(bytes) * 52e-12));
    double trip = 0;
    double slowest = 0;
    for (const Json& stage : stages) {
        trip += stage["latency_s"].get<double>() + stage["over_link_s"].get<double>();
        slowest = std::max(slowest, stage["interval_s"].get<double>());
    }
    CHECK(pipeline["round_trip_s"].get<double>() == Approx(trip));
    CHECK(total(run, "window_s") == Approx(std::max(trip, 2 * slowest)));
    // 8 KiB take 41 us at 200 MB/s, longer than a stage; at 1 MB/s one card alone is faster.
    const auto over_link = [](const char* bandwidth) {
        return blocks_on_gpus(
            joined(joined(decode_on_gpus({"--users", "8"}), gpus("2", "4")),
                   {"--set", std::string("machine.components.nvlink.bandwidth=") + bandwidth}));
    };
    const Json slow = over_link("200 MB/s");
    CHECK(slow["totals"]["pipeline"]["slowest_stage_s"].get<double>() == Approx(4 * 2048 / 200e6));
    CHECK(over_link("1 MB/s")["totals"]["pipeline"]["stages"].size() == 1);
}

TEST_CASE("A pipeline of one GPU is that GPU, and one of equal halves is twice as fast") {
    const auto on_gpus = [](const char* count, const char* users) {
        return blocks_on_gpus(joined(decode_on_gpus({"--users", users}), gpus(count, "4")));
    };
    const Json card = blocks_on_gpus(decode_on_gpus({"--users", "4"}), "a100_sxm_80gb");
    const Json one = on_gpus("1", "4");
    CHECK(one["totals"]["macs"] == card["totals"]["macs"]);
    CHECK(total(one, "window_s") == Approx(total(card, "window_s")).epsilon(3e-3));
    CHECK(total(one, "energy_j") == Approx(total(card, "energy_j")).epsilon(1e-3));
    CHECK(sent_over(one, "nvlink").first == 0);
    // Eight groups on one card, and on two with a block each: table and output layer are small.
    const Json alone = on_gpus("1", "32");
    const Json two = on_gpus("2", "32");
    CHECK(two["totals"]["pipeline"]["limit"] == "stage");
    CHECK(two["totals"]["macs"] == alone["totals"]["macs"]);
    CHECK(total(alone, "window_s") / total(two, "window_s") == Approx(2).epsilon(0.05));
    const Json halves = blocks_on_gpus(joined(decode_on_gpus({"--users", "32"}), gpus("1", "4")),
                                       "a100_sxm_80gb_pp8", "block");
    CHECK(total(two, "window_s") == Approx(total(halves, "window_s")).epsilon(0.1));
}

TEST_CASE("Both engines find the same pipeline of GPUs, in every phase that goes through it") {
    const auto check = [](const Json& quick, const Json& slow, double most) {
        CHECK(slow["totals"]["operations"] == quick["totals"]["operations"]);
        CHECK(slow["totals"]["pipeline"]["stages"].size() == 2);
        CHECK(sent_over(slow, "nvlink") == sent_over(quick, "nvlink"));
        CHECK(sent_over(slow, "nvlink").first > 0);
        CHECK(total(slow, "window_s") >= total(quick, "window_s") * (1 - 1e-9));
        CHECK(total(slow, "window_s") < most * total(quick, "window_s"));
    };
    const std::vector<std::string> two = gpus("2", "2");
    for (const std::vector<std::string>& phase :
         {std::vector<std::string>{"--phase", "decode", "--users", "4", "--context", "20"},
          {"--phase", "prefill", "--users", "4", "--prompt", "20"},
          {"--phase", "generate", "--users", "4", "--prompt", "20", "--output-tokens", "2"}}) {
        check(blocks_on_gpus(joined(joined(phase, two), {"--engine", "analytic"})),
              blocks_on_gpus(joined(joined(phase, two), {"--engine", "systemc"})), 1.15);
    }
    const auto frames = [&](const char* engine) {
        return run_of(joined({"run", "--machine", "a100_sxm_80gb_pp8", "--network", "lenet",
                              "--batch", "4", "--engine", engine},
                             two));
    };
    check(frames("analytic"), frames("systemc"), 1.3);  // kernels of a microsecond
}

TEST_CASE("Memory of GPUs holds as many users as it is told to") {
    const auto decode = [](const std::string& users) {
        const TemporaryFolder folder;
        write_small_decoder(folder.path());
        return run_memwall(
            joined({"run", "--machine", "a100_sxm_80gb_pp8", "--network", "./small.yaml", "--users",
                    users, "--set", "machine.components.dram.capacity=3 MB", "--json", "-"},
                   joined(decode_on_gpus({}), gpus("3", "1"))),
            folder.path());
    };
    const ProgramRun few = decode("2");
    INFO(few.err);
    REQUIRE(few.status == 0);
    const TemporaryFolder folder;
    write_text(folder.path() / "run.json", few.out);
    const ProgramRun shown = run_memwall({"show", "result", "run.json"}, folder.path());
    CHECK(shown.out.find(" ways over the link between cards take ") != std::string::npos);
    const auto most =
        Json::parse(few.out)["runs"][0]["totals"]["pipeline"]["most_users"].get<std::int64_t>();
    CHECK(most > 2);
    CHECK(decode(std::to_string(most)).status == 0);
    const ProgramRun none = decode("1000");
    CHECK(none.status == 2);
    INFO(none.err);
    CHECK(none.err.find("; there is room for ") != std::string::npos);
}

TEST_CASE("GPUs that are a pipeline name their link, and what is not modelled is refused") {
    const auto error = [](const std::vector<std::string>& more) {
        const ProgramRun run = run_on_cards(more, "a100_sxm_80gb_pp8");
        CHECK(run.status == 2);
        return run.err;
    };
    CHECK(error({"--set", "machine.cards.link=nvlnk"}).find("did you mean 'nvlink'?") !=
          std::string::npos);
    CHECK(error({"--set", "machine.cards={count: 2, hop: 0 us}"}).find("'link'") !=
          std::string::npos);
    CHECK(error({"--phase", "training_step"}).find("over which training is not modelled") !=
          std::string::npos);
    CHECK(error({"--phase", "offline"}).find("found offline") != std::string::npos);
    const ProgramRun nest = run_memwall({"run", "--machine", "eyeriss", "--network", "lenet",
                                         "--set", "machine.cards={count: 2, hop: 0 us}"});
    CHECK(nest.err.find("only machines of the mapper 'spatial', 'tiling' or 'wave'") !=
          std::string::npos);
    const ProgramRun served = run_memwall({"serve", "--machine", "a100_sxm_80gb_pp8", "--network",
                                           "llama2_7b", "--rate", "10", "--requests", "2"});
    CHECK(served.status == 2);
    CHECK(served.err.find("expected --set machine.cards.together=1") != std::string::npos);
    const ProgramRun shown = run_memwall({"show", "machine", "a100_sxm_80gb_pp8"});
    CHECK(shown.out.find("32 users together, handed on over nvlink") != std::string::npos);
}
