// SPDX-License-Identifier: Apache-2.0
#include "study/sweep/slurm_job.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <stdexcept>

#include "base/error.hpp"

namespace memwall {

namespace fs = std::filesystem;

namespace {

/// As one word of a shell.
std::string quoted(const std::string& text) {
    std::string word = "'";
    for (const char letter : text) {
        word += letter == '\'' ? std::string("'\\''") : std::string(1, letter);
    }
    return word + "'";
}

/// A line that sbatch reads; it splits at blanks outside of double quotes.
std::string directive(const std::string& option, const std::string& value) {
    const bool plain = value.find_first_of(" \t\"'\\") == std::string::npos;
    return "#SBATCH " + option + "=" + (plain ? value : "\"" + value + "\"") + "\n";
}

std::string script(const SlurmRequest& request, const SlurmCommand& command,
                   const std::string& own) {
    std::string text = "#!/bin/bash\n# Written by memwall sweep --slurm.\n";
    text += directive("--job-name", command.name) + own;
    text += directive("--output", command.log.string());
    if (request.partition) {
        text += directive("--partition", *request.partition);
    }
    if (request.time) {
        text += directive("--time", *request.time);
    }
    for (const std::string& option : request.more) {
        text += "#SBATCH " + option + "\n";
    }
    text +=
        "cd " + quoted(command.working_dir.string()) + "\nexec " + quoted(command.program.string());
    for (const std::string& word : command.words) {
        text += " " + quoted(word);
    }
    return text + "\n";
}

/// What a shell's command says, and how it ended as waitpid tells.
struct Said {
    std::string text;
    int status = 0;
};

Said said_by(const std::string& command) {
    std::FILE* pipe = ::popen(command.c_str(), "r");
    ensure(pipe != nullptr, "a process for a command of Slurm can be made");
    Said said;
    std::array<char, 512> piece{};
    while (std::fgets(piece.data(), piece.size(), pipe) != nullptr) {
        said.text += piece.data();
    }
    said.status = ::pclose(pipe);
    return said;
}

std::string trimmed(std::string text) {
    while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())) != 0) {
        text.pop_back();
    }
    return text;
}

}  // namespace

std::string array_script(const SlurmRequest& request, const SlurmCommand& command) {
    return script(request, command,
                  directive("--array", "0-" + std::to_string(request.tasks - 1)) +
                      directive("--ntasks", "1") +
                      directive("--cpus-per-task", std::to_string(request.jobs)));
}

std::string single_script(const SlurmRequest& request, const SlurmCommand& command) {
    return script(request, command, directive("--ntasks", "1"));
}

bool has_sbatch() {
    const char* path = std::getenv("PATH");
    std::istringstream folders(path == nullptr ? "" : path);
    for (std::string folder; std::getline(folders, folder, ':');) {
        if (::access((fs::path(folder) / "sbatch").c_str(), X_OK) == 0) {
            return true;
        }
    }
    return false;
}

std::string submit(const fs::path& script, const std::optional<std::string>& after) {
    const std::string command = "sbatch --parsable " +
                                (after ? "--dependency=afterany:" + quoted(*after) + " " : "") +
                                quoted(script.string()) + " 2>&1";
    const Said said = said_by(command);
    const std::string text = trimmed(said.text);
    if (!WIFEXITED(said.status) || WEXITSTATUS(said.status) != 0) {
        throw std::runtime_error("sbatch refuses the job: " + text);
    }
    // "1234" or "1234;cluster", on the last line: warnings may stand before it.
    const std::size_t line = text.rfind('\n');
    const std::string job = text.substr(line == std::string::npos ? 0 : line + 1);
    std::string number = job.substr(0, job.find(';'));
    if (number.empty() || !std::all_of(number.begin(), number.end(), [](unsigned char letter) {
            return std::isdigit(letter) != 0;
        })) {
        throw std::runtime_error("sbatch gives no job number: " + text);
    }
    return number;
}

std::vector<std::string> in_queue(const std::vector<std::string>& jobs) {
    std::string list;
    for (const std::string& job : jobs) {
        list += (list.empty() ? "" : ",") + job;
    }
    // A job that is over is unknown to it, which is no error here; so is a queue that nobody
    // answers for.
    std::istringstream lines(
        said_by("timeout 10 squeue --noheader --format=%A --jobs=" + list + " 2>/dev/null").text);
    std::vector<std::string> waiting;
    for (std::string job; lines >> job;) {
        if (std::find(jobs.begin(), jobs.end(), job) != jobs.end() &&
            std::find(waiting.begin(), waiting.end(), job) == waiting.end()) {
            waiting.push_back(job);
        }
    }
    return waiting;
}

}  // namespace memwall
