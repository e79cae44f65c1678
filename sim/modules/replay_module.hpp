// SPDX-License-Identifier: Apache-2.0
// The shell of the replay engine: settles every instant at which a component's module was woken.
#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <systemc>
#include <vector>

#include "sim/replay_engine.hpp"

namespace memwall {

class ServerModule;

/// Picoseconds are the kernel's own resolution.
inline Picoseconds kernel_time() {
    return Picoseconds(static_cast<std::int64_t>(sc_core::sc_time_stamp().value()));
}

/// A timed event that follows a time which may change until it has come.
class Alarm {
public:
    explicit Alarm(const char* name) : event_(name) {}
    [[nodiscard]] const sc_core::sc_event& event() const { return event_; }
    /// Moves the alarm to `time`, or takes it back for kNever.
    void set(Picoseconds time);
    /// How many timed notifications the kernel was given.
    [[nodiscard]] std::int64_t notifications() const { return notifications_; }

private:
    sc_core::sc_event event_;
    Picoseconds time_ = kNever;
    std::int64_t notifications_ = 0;
};

/// One process. All of an instant's wake-ups are over when it runs, a delta cycle later, so their
/// order decides nothing.
class ReplayModule final : public sc_core::sc_module {
public:
    SC_HAS_PROCESS(ReplayModule);
    /// `progress` is called now and then, from the process; may be empty.
    ReplayModule(const sc_core::sc_module_name& name, ReplayEngine& engine,
                 std::function<void(double)> progress);

    /// Called by the modules when they are built.
    void watch(ServerModule& module) { modules_.push_back(&module); }
    /// Asks for a settling of this instant; any number of times.
    void request();
    /// After the simulation: throws what was thrown inside.
    void rethrow() const;
    [[nodiscard]] std::int64_t notifications() const;

private:
    void run();
    void report();

    ReplayEngine& engine_;
    std::function<void(double)> progress_;
    std::vector<ServerModule*> modules_;
    sc_core::sc_event requested_;
    Alarm alarm_;
    std::exception_ptr failure_;
    std::int64_t runs_ = 0;
    double reported_ = 0;
    bool begun_ = false;
};

}  // namespace memwall
