// SPDX-License-Identifier: Apache-2.0
#include "tests/study/program.hpp"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>

#include "tests/support/temporary_folder.hpp"

namespace memwall::test {
namespace {

/// In the child: descriptors, folder, program. Never returns.
[[noreturn]] void become(const std::vector<char*>& argv, const std::string& folder,
                         const std::string& out, const std::string& err) {
    const auto redirect = [](const std::string& file, int flags, int to) {
        const int from = ::open(file.c_str(), flags, 0600);
        if (from < 0 || ::dup2(from, to) < 0) {
            ::_exit(127);
        }
    };
    redirect("/dev/null", O_RDONLY, STDIN_FILENO);
    redirect(out, O_WRONLY | O_CREAT, STDOUT_FILENO);
    redirect(err, O_WRONLY | O_CREAT, STDERR_FILENO);
    if (::chdir(folder.c_str()) == 0) {
        ::unsetenv("MEMWALL_CONFIGS");
        ::execv(argv[0], argv.data());
    }
    ::_exit(127);
}

ProgramRun run_child(const std::string& program, const std::vector<std::string>& arguments,
                     const std::filesystem::path& folder,
                     const std::function<void(pid_t)>& meanwhile) {
    const TemporaryFolder streams;
    const std::string out = (streams.path() / "out").string();
    const std::string err = (streams.path() / "err").string();
    std::vector<std::string> words = {program};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<char*> argv;
    for (std::string& word : words) {
        argv.push_back(word.data());
    }
    argv.push_back(nullptr);
    const pid_t child = ::fork();
    if (child < 0) {
        throw std::runtime_error("no child process can be made");
    }
    if (child == 0) {
        become(argv, folder.string(), out, err);
    }
    meanwhile(child);
    int status = 0;
    ::waitpid(child, &status, 0);
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, read_text(out), read_text(err)};
}

/// Times as long as usual that a test waits, where the program is slow (scripts/sanitize.sh).
int patience() {
    const char* times = std::getenv("MEMWALL_PATIENCE");
    return times == nullptr ? 1 : std::stoi(times);
}

}  // namespace

ProgramRun run_program(const std::string& program, const std::vector<std::string>& arguments,
                       const std::filesystem::path& folder) {
    return run_child(program, arguments, folder, [](pid_t) {});
}

ProgramRun interrupt_memwall(const std::vector<std::string>& arguments,
                             const std::filesystem::path& folder, int signal, int milliseconds) {
    return run_child(MEMWALL_PROGRAM, arguments, folder, [=](pid_t child) {
        std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds * patience()));
        ::kill(child, signal);
    });
}

ProgramRun run_memwall(const std::vector<std::string>& arguments,
                       const std::filesystem::path& folder) {
    return run_program(MEMWALL_PROGRAM, arguments, folder);
}

std::string read_text(const std::filesystem::path& file) {
    std::ifstream stream(file, std::ios::binary);
    std::ostringstream text;
    text << stream.rdbuf();
    return text.str();
}

void write_text(const std::filesystem::path& file, const std::string& text) {
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << text;
}

void write_network(const std::filesystem::path& folder, const std::string& name,
                   const std::string& extends, const std::string& parameters) {
    write_text(folder / (name + ".yaml"), "memwall: 1\nnetwork: " + name + "\nextends: " + extends +
                                              "\nparameters: {" + parameters + "}\n");
}

void write_small_decoder(const std::filesystem::path& folder) {
    write_network(folder, "small", "decoder",
                  "layers: 3, hidden: 256, heads: 4, kv_heads: 2, inner: 512, vocabulary: 800");
}

}  // namespace memwall::test
