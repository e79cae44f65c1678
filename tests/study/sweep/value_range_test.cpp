// SPDX-License-Identifier: Apache-2.0
#include "study/sweep/value_range.hpp"

#include <catch2/catch.hpp>

using namespace memwall;

namespace {

std::vector<std::string> values(const std::string& yaml) {
    Diagnostics faults;
    const YamlValue tree = read_yaml_text(yaml, "range.yaml", faults);
    const ValueRange range = ValueRange::read(tree, "'range'", false, faults);
    faults.throw_if_any();
    std::vector<std::string> texts;
    for (std::int64_t step = 0; step < range.steps(); ++step) {
        texts.push_back(range.step(step));
    }
    return texts;
}

std::string fault(const std::string& yaml) {
    try {
        values(yaml);
    } catch (const InputError& error) {
        return error.what();
    }
    return "";
}

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("a range of bytes on a log scale is whole, in the unit that fits") {
    CHECK(values("{from: 256 KiB, to: 2 MiB, steps: 4, scale: log}") ==
          Texts{"256 KiB", "512 KiB", "1 MiB", "2 MiB"});
    // 1,024 B times 10^(1/2) is 3,238.17 B.
    CHECK(values("{from: 1 KiB, to: 10 KiB, steps: 3, scale: log}") ==
          Texts{"1 KiB", "3238 B", "10 KiB"});
    CHECK(values("{from: 1 KiB, to: 10 KiB, steps: 3, scale: log, round: 512 B}") ==
          Texts{"1 KiB", "3 KiB", "10 KiB"});
}

TEST_CASE("a range of whole numbers is whole, one of real numbers and quantities is not") {
    CHECK(values("{from: 1, to: 64, steps: 4, scale: log}") == Texts{"1", "4", "16", "64"});
    CHECK(values("{from: 1, to: 2.0, steps: 3}") == Texts{"1", "1.5", "2"});
    CHECK(values("{from: 100 GB/s, to: 1 TB/s, steps: 3}") ==
          Texts{"100 GB/s", "550 GB/s", "1000 GB/s"});
    CHECK(values("{from: 200 MHz, to: 1 GHz, steps: 3}") == Texts{"200 MHz", "600 MHz", "1 GHz"});
    CHECK(values("{from: 4 cycles, to: 8 cycles, steps: 2}") == Texts{"4 cycles", "8 cycles"});
    CHECK(values("{from: 8, to: 2, steps: 3}") == Texts{"8", "5", "2"});
    CHECK(values("{from: 5, to: 5, steps: 1}") == Texts{"5"});
}

TEST_CASE("faults of a range are told at their places") {
    CHECK(fault("{from: 1 KiB, to: 2 MHz, steps: 3}") ==
          "range.yaml:1:19: error: 'to' in 'range': expected bytes as 'from' is, found '2 MHz'");
    CHECK(fault("{from: 1, to: 4, steps: 9}").find("two steps are both 1") != std::string::npos);
    CHECK(fault("{from: 1, to: 4, steps: 1}") ==
          "range.yaml:1:25: error: 'steps' in 'range': one step cannot be both 'from' and 'to'; "
          "expected 2 or more");
    CHECK(fault("{from: 0, to: 4, steps: 3, scale: log}").find("above zero on a log scale") !=
          std::string::npos);
    CHECK(fault("{from: 1, to: 4}").find("missing") != std::string::npos);
    CHECK(fault("{from: 1, to: 4, step: 2}").find("did you mean 'steps'?") != std::string::npos);
    const std::string once =
        fault("{from: 256 XiB, to: 4 MiB, steps: 2, scale: log, round: 1 KiB}");
    CHECK(once.find("found '256 XiB'") != std::string::npos);
    CHECK(once.find("error", once.find("error") + 1) == std::string::npos);
    CHECK(fault("{from: red, to: 4, steps: 2}").find("expected a number or a quantity") !=
          std::string::npos);
}
