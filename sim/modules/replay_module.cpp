// SPDX-License-Identifier: Apache-2.0
#include "sim/modules/replay_module.hpp"

#include "sim/modules/server_module.hpp"

namespace memwall {

namespace {

/// Instants between two looks at the progress, and the least step that is told.
constexpr std::int64_t kLook = 1'024;
constexpr double kStep = 0.01;

}  // namespace

void Alarm::set(Picoseconds time) {
    if (time == time_) {
        return;
    }
    event_.cancel();
    time_ = time;
    if (time != kNever) {
        const Picoseconds wait = time - kernel_time();
        event_.notify(sc_core::sc_time::from_value(static_cast<sc_dt::uint64>(wait.count())));
        ++notifications_;
    }
}

ReplayModule::ReplayModule(const sc_core::sc_module_name& name, ReplayEngine& engine,
                           std::function<void(double)> progress)
    : sc_module(name),
      engine_(engine),
      progress_(std::move(progress)),
      requested_("requested"),
      alarm_("alarm") {
    SC_METHOD(run);
    sensitive << requested_ << alarm_.event();
}

void ReplayModule::request() {
    requested_.notify(sc_core::SC_ZERO_TIME);
}

void ReplayModule::run() {
    // No exception may pass through the kernel: it is kept, and the simulation stopped.
    try {
        if (!begun_) {
            begun_ = true;
            engine_.begin();
        } else {
            engine_.settle(kernel_time());
        }
        alarm_.set(engine_.next_time());
        for (ServerModule* module : modules_) {
            module->rearm();
        }
        report();
    } catch (...) {
        failure_ = std::current_exception();
        sc_core::sc_stop();
    }
}

void ReplayModule::report() {
    if (progress_ && ++runs_ % kLook == 0 && engine_.progress() >= reported_ + kStep) {
        reported_ = engine_.progress();
        progress_(reported_);
    }
}

void ReplayModule::rethrow() const {
    if (failure_) {
        std::rethrow_exception(failure_);
    }
}

std::int64_t ReplayModule::notifications() const {
    std::int64_t count = alarm_.notifications();
    for (const ServerModule* module : modules_) {
        count += module->notifications();
    }
    return count;
}

}  // namespace memwall
