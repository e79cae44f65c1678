// SPDX-License-Identifier: Apache-2.0
#include "sim/bench/bare_kernel.hpp"

#include <memory>
#include <string>
#include <systemc>
#include <vector>

#include "sim/elaboration.hpp"

namespace memwall::bench {

namespace {

class Ticker final : public sc_core::sc_module {
public:
    SC_HAS_PROCESS(Ticker);
    Ticker(const sc_core::sc_module_name& name, std::int64_t period, std::int64_t ticks)
        : sc_module(name), period_(static_cast<double>(period), sc_core::SC_PS), left_(ticks) {
        SC_METHOD(tick);
        sensitive << due_;
    }

private:
    void tick() {
        if (left_-- > 0) {
            due_.notify(period_);
        }
    }
    sc_core::sc_time period_;
    std::int64_t left_;
    sc_core::sc_event due_;
};

}  // namespace

void wait_bare(std::int64_t notifications) {
    prepare_kernel();
    std::vector<std::unique_ptr<Ticker>> tickers;
    for (const std::int64_t period : {70'000, 64'000, 16'000}) {
        const std::string name = "ticker_" + std::to_string(tickers.size());
        tickers.push_back(std::make_unique<Ticker>(name.c_str(), period, notifications / 3));
    }
    sc_core::sc_start();
}

}  // namespace memwall::bench
