// SPDX-License-Identifier: Apache-2.0
#include "study/overrides.hpp"

#include <catch2/catch.hpp>

#include "base/error.hpp"

using namespace memwall;

namespace {

std::vector<std::string> texts(const std::vector<Override>& overrides) {
    std::vector<std::string> list;
    for (const Override& override : overrides) {
        list.push_back(override.text());
    }
    return list;
}

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("overrides are sorted by what they belong to, in their order") {
    const SortedOverrides sorted =
        sort_overrides({"machine.clock=1 GHz", "batch=3", "network.layers.'a.b'.kernel=1",
                        "scenario.items=6", "machine.technology=7nm"});
    CHECK(texts(sorted.machine) == Texts{"clock=1 GHz", "technology=7nm"});
    CHECK(texts(sorted.plain) == Texts{"batch=3"});
    CHECK(texts(sorted.network) == Texts{"layers.'a.b'.kernel=1"});
    CHECK(texts(sorted.scenario) == Texts{"items=6"});
}

TEST_CASE("a value may hold further equals signs, a quoted name too") {
    CHECK(parse_override("a=b=c").value == "b=c");
    CHECK(parse_override("layers.'x=y'.kernel=3").path == "layers.'x=y'.kernel");
}

TEST_CASE("a path that belongs to nothing is told with the nearest prefix") {
    CHECK_THROWS_WITH(
        sort_overrides({"machin.clock=1"}),
        "error: cannot set 'machin.clock': expected a path that begins with "
        "machine., network. or scenario., or one of machine, network, batch, "
        "precision, phase, engine, effort, objective, items, rounds; did you mean 'machine'?");
    CHECK_THROWS_WITH(sort_overrides({"scenario.item=1"}),
                      "error: cannot set 'scenario.item': unknown key of a scenario; did you mean "
                      "'items'?");
    CHECK_THROWS_WITH(sort_overrides({"clock"}),
                      "error: --set: expected PATH=VALUE such as machine.clock=400MHz, found "
                      "'clock'");
    CHECK_THROWS_AS(sort_overrides({"=3"}), InputError);
}

TEST_CASE("in a comparison a machine's name picks its own overrides, the others are for all") {
    const std::vector<Override> overrides = {
        {"clock", "1 GHz"}, {"a.components.x.rows", "4"}, {"b.clock", "2 GHz"}};
    const Texts all = {"a", "b"};
    CHECK(texts(overrides_of_machine(overrides, {"a"}, all)) ==
          Texts{"clock=1 GHz", "components.x.rows=4"});
    CHECK(texts(overrides_of_machine(overrides, {"b"}, all)) ==
          Texts{"clock=1 GHz", "clock=2 GHz"});
}
