// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <iostream>
#include <new>

#include "base/error.hpp"
#include "sim/replay.hpp"
#include "study/commands.hpp"
#include "study/interrupt.hpp"
#include "study/progress.hpp"

namespace memwall {
namespace {

constexpr int kDone = 0;
constexpr int kRunFailed = 1;
constexpr int kInputWrong = 2;

/// The exit status of a command that did what it was asked for.
int dispatch(const CommandLine& command) {
    const auto start = std::chrono::steady_clock::now();
    const Configs configs = Configs::of_process(command.configs);
    if (command.verb == "show") {
        if (!command.words.empty() && command.words.front() == "mapping") {
            catch_interrupts();
        }
        show_command(command, configs);
        return interrupted() ? kRunFailed : kDone;
    }
    if (command.verb == "check") {
        check_command(command, configs);
        return kDone;
    }
    if (command.verb == "import") {
        import_command(command);
        return kDone;
    }
    catch_interrupts();
    if (command.verb == "run") {
        run_command(command, configs);
    } else if (command.verb == "serve") {
        serve_command(command, configs);
    } else if (command.verb == "validate") {
        validate_command(command, configs);
    } else if (command.verb == "sweep") {
        return sweep_command(command, configs, start);
    } else {
        ensure(command.verb == "compare", "every verb has its command");
        compare_command(command, configs);
    }
    std::cerr << "memwall: " << resources_used(start) << "\n";
    return interrupted() ? kRunFailed : kDone;
}

}  // namespace

int run_program(int argc, const char* const* argv) {
    try {
        const ParsedCommandLine parsed = parse_command_line(argc, argv);
        if (parsed.command) {
            return dispatch(*parsed.command);
        }
        std::cout << parsed.text;
        return kDone;
    } catch (const InputError& error) {
        std::cerr << error.what() << "\n";
        return kInputWrong;
    } catch (const Interrupted&) {
        std::cerr << "error: interrupted\n";
    } catch (const CheckFailed& error) {
        std::cerr << error.what() << "\n";
    } catch (const std::bad_alloc&) {
        std::cerr << "error: out of memory\n";
    } catch (const std::exception& error) {
        std::cerr << "error: " << error.what() << "\n";
    }
    return kRunFailed;
}

}  // namespace memwall
