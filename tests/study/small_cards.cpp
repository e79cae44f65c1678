// SPDX-License-Identifier: Apache-2.0
#include "tests/study/small_cards.hpp"

#include "tests/support/temporary_folder.hpp"

namespace memwall::test {
namespace {

/// What `run`, one of the functions that start the program, makes of it.
template <typename Run>
auto with_small_decoder(Run run, const std::vector<std::string>& more, const std::string& machine) {
    const TemporaryFolder folder;
    write_small_decoder(folder.path());
    std::vector<std::string> arguments = {"run", "--machine", machine, "--network", "./small.yaml"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run(arguments, folder.path());
}

}  // namespace

ProgramRun run_on_cards(const std::vector<std::string>& more, const std::string& machine) {
    return with_small_decoder(run_memwall, more, machine);
}

Json result_on_cards(const std::vector<std::string>& more, const std::string& machine) {
    return with_small_decoder(run_of, more, machine);
}

std::vector<std::string> decode_with(const std::vector<std::string>& more) {
    std::vector<std::string> all = {"--phase", "decode", "--users", "6", "--context", "40"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
}

}  // namespace memwall::test
