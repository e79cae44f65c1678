// SPDX-License-Identifier: Apache-2.0
// The energies of nodes without a published table lie where their files say that they do.
#include "arch/technology.hpp"

#include <catch2/catch.hpp>

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "base/yaml.hpp"

using namespace memwall;

namespace {

Technology shipped_technology(const std::string& name) {
    const std::string file =
        std::string(MEMWALL_SOURCE_DIR) + "/configs/technology/" + name + ".yaml";
    Diagnostics faults;
    const YamlValue root = read_yaml_file(file, name + ".yaml", faults);
    Technology technology = load_technology(root, faults);
    faults.throw_if_any();
    return technology;
}

/// Energies that both published tables have, by name.
std::vector<std::pair<std::string, Sourced>> energies(const Technology& technology) {
    std::vector<std::pair<std::string, Sourced>> found;
    for (const Precision precision : {Precision::int2, Precision::int4, Precision::int8,
                                      Precision::int32, Precision::fp16, Precision::fp32}) {
        found.emplace_back("mac " + std::string(name(precision)), technology.mac.at(precision));
    }
    for (const auto& [precision, addition] : technology.add) {
        found.emplace_back("add " + std::string(name(precision)), addition);
    }
    for (const SramPoint& point : technology.sram_read) {
        found.emplace_back("sram " + std::to_string(point.macro.count()), point.figure);
    }
    return found;
}

}  // namespace

TEST_CASE("energies of nodes between the published tables lie on the line between them") {
    const std::string node = GENERATE("65nm", "28nm", "16nm", "12nm", "5nm");
    const Technology technology = shipped_technology(node);
    const auto old = energies(shipped_technology("45nm"));
    const auto young = energies(shipped_technology("7nm"));
    const auto found = energies(technology);
    REQUIRE(found.size() == old.size());
    REQUIRE(found.size() == young.size());
    const double share = std::log(technology.node_nm / 45) / std::log(7.0 / 45);
    for (std::size_t i = 0; i < found.size(); ++i) {
        INFO(node << ", " << found[i].first);
        const double line =
            old[i].second.value * std::pow(young[i].second.value / old[i].second.value, share);
        CHECK(found[i].second.value == Approx(line).epsilon(0.001));
        CHECK(found[i].second.status == Status::derived);
        CHECK(found[i].second.low < found[i].second.value);
        CHECK(found[i].second.high > found[i].second.value);
    }
}

TEST_CASE("a younger node never costs more energy or area than an older one") {
    const std::vector<std::string> nodes = {"65nm", "45nm", "28nm", "16nm", "12nm", "7nm", "5nm"};
    for (std::size_t i = 1; i < nodes.size(); ++i) {
        INFO(nodes[i - 1] << " and " << nodes[i]);
        const Technology older = shipped_technology(nodes[i - 1]);
        const Technology younger = shipped_technology(nodes[i]);
        const auto before = energies(older);
        const auto after = energies(younger);
        for (std::size_t j = 0; j < before.size(); ++j) {
            INFO(before[j].first);
            CHECK(after[j].second.value < before[j].second.value);
        }
        CHECK(younger.wire.value <= older.wire.value);
        CHECK(younger.sram_area.value < older.sram_area.value);
        CHECK(younger.mac_area.at(Precision::int8).value <
              older.mac_area.at(Precision::int8).value);
    }
}

TEST_CASE("SRAM gets slower with its size and faster with its node, wires slower") {
    const std::vector<std::string> nodes = {"65nm", "45nm", "28nm", "16nm", "12nm", "7nm", "5nm"};
    for (std::size_t n = 0; n < nodes.size(); ++n) {
        INFO(nodes[n]);
        const Technology here = shipped_technology(nodes[n]);
        const auto access = [&](const Technology& technology, std::int64_t kibibytes) {
            return technology.sram_access({Bytes(kibibytes * 1024)});
        };
        for (const std::int64_t size : {4, 8, 32, 100, 1024}) {
            const Sourced time = access(here, size);
            CHECK(time.low < time.value);
            CHECK(time.value < time.high);
            CHECK(time.value < access(here, size * 2).value);
            if (n > 0) {
                const Technology before = shipped_technology(nodes[n - 1]);
                CHECK(time.value < access(before, size).value);
                CHECK(here.wire_delay.value > before.wire_delay.value);
            }
        }
        // CACTI 7: a second port costs 1.25 to 2.1 times the energy, 1.02 to 1.29 times the time.
        const SramMacro two{Bytes(32768), Bytes(8), 2};
        const double energy =
            here.sram_read_energy(two).value / here.sram_read_energy({Bytes(32768)}).value;
        CHECK((energy > 1.25 && energy < 2.1));
        const double time = here.sram_access(two).value / access(here, 32).value;
        CHECK((time > 1.02 && time < 1.29));
    }
}
