// SPDX-License-Identifier: Apache-2.0
#include "sim/child_process.hpp"

#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <new>
#include <utility>

#include "base/error.hpp"
#include "base/pieces.hpp"
#include "sim/replay.hpp"

namespace memwall {

namespace {

/// What a message of the child is.
enum class Message : char {
    progress = 'p',
    result = 'r',
    input_error = 'i',
    out_of_memory = 'm',
    internal_error = 'e'
};

/// A message's kind, then the size of its text as a std::uint64_t.
using Header = std::array<char, 1 + sizeof(std::uint64_t)>;

/// Writes all; false where the reader is gone.
bool write_all(int pipe, const void* data, std::size_t size) {
    const char* bytes = static_cast<const char*>(data);
    return in_pieces(size, [&](std::size_t done, std::size_t left) {
        return ::write(pipe, bytes + done, left);
    });
}

bool send(int pipe, Message kind, const std::string& text) {
    Header header{};
    const std::uint64_t size = text.size();
    header[0] = static_cast<char>(kind);
    std::memcpy(&header[1], &size, sizeof size);
    return write_all(pipe, header.data(), header.size()) &&
           write_all(pipe, text.data(), text.size());
}

[[noreturn]] void be_the_child(
    int pipe, const std::function<std::string(const std::function<void(double)>& progress)>& work) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::signal(SIGINT, SIG_DFL);
    ::signal(SIGTERM, SIG_DFL);
    const auto progress = [pipe](double fraction) {
        std::string bytes(sizeof fraction, '\0');
        std::memcpy(bytes.data(), &fraction, sizeof fraction);
        send(pipe, Message::progress, bytes);
    };
    bool sent = false;
    try {
        sent = send(pipe, Message::result, work(progress));
    } catch (const InputError& error) {
        sent = send(pipe, Message::input_error, error.what());
    } catch (const std::bad_alloc&) {
        sent = send(pipe, Message::out_of_memory, "");
    } catch (const std::exception& error) {
        sent = send(pipe, Message::internal_error, error.what());
    }
    // No destructors, no buffers of the parent's: they are the parent's to flush.
    ::_exit(sent ? 0 : 1);
}

/// The child and the reading end of its pipe; whatever happens, neither is left behind.
class Child {
public:
    Child(pid_t pid, int pipe) : pid_(pid), pipe_(pipe) {}
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;
    ~Child() {
        ::close(pipe_);
        if (pid_ > 0) {
            ::kill(pid_, SIGKILL);
            wait();
        }
    }

    /// Reads exactly `size` bytes; false at the end of the pipe.
    bool read(void* data, std::size_t size, const ChildWatch& watch) {
        char* at = static_cast<char*>(data);
        while (size > 0) {
            // A signal may come between two looks at it: never wait without looking again.
            if (watch.cancelled && watch.cancelled()) {
                throw Interrupted();
            }
            pollfd ready{pipe_, POLLIN, 0};
            if (::poll(&ready, 1, kLookAgainMs) <= 0) {
                continue;
            }
            const ssize_t got = ::read(pipe_, at, size);
            if (got < 0 && errno == EINTR) {
                continue;
            }
            if (got <= 0) {
                return false;
            }
            at += got;
            size -= static_cast<std::size_t>(got);
        }
        return true;
    }

    /// Waits for its end; the status of waitpid.
    int wait() {
        const int status = wait_for_end(pid_);
        pid_ = 0;
        return status;
    }

private:
    static constexpr int kLookAgainMs = 100;
    pid_t pid_;
    int pipe_;
};

/// Throws the child's error as its own: "internal error at FILE:LINE: MESSAGE" keeps its place.
[[noreturn]] void rethrow_internal(const std::string& text) {
    const std::string prefix = "internal error at ";
    const std::size_t colon = text.find(':');
    const std::size_t end = colon == std::string::npos ? colon : text.find(": ", colon);
    if (text.rfind(prefix, 0) == 0 && end != std::string::npos) {
        const std::string file = text.substr(prefix.size(), colon - prefix.size());
        const int line = std::atoi(text.substr(colon + 1, end - colon - 1).c_str());
        throw InternalError(text.substr(end + 2), file.c_str(), line);
    }
    fail(text);
}

[[noreturn]] void tell_end(int status) {
    if (WIFSIGNALED(status)) {
        const int number = WTERMSIG(status);
        throw ChildEnded("the simulation was ended by signal " + std::to_string(number) + " (" +
                         ::strsignal(number) + ")");
    }
    throw ChildEnded("the simulation ended without a result, exit status " +
                     std::to_string(WEXITSTATUS(status)));
}

}  // namespace

int wait_for_end(pid_t child) {
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return status;
}

std::string run_in_child(
    const std::function<std::string(const std::function<void(double)>& progress)>& work,
    const ChildWatch& watch) {
    std::array<int, 2> ends{};
    ensure(::pipe(ends.data()) == 0, "a pipe to the simulation can be made");
    const pid_t pid = ::fork();
    if (pid == 0) {
        ::close(ends[0]);
        be_the_child(ends[1], work);
    }
    ::close(ends[1]);
    Child child(pid, ends[0]);
    ensure(pid > 0, "a process for the simulation can be made");
    for (;;) {
        Header header{};
        if (!child.read(header.data(), header.size(), watch)) {
            tell_end(child.wait());
        }
        std::uint64_t size = 0;
        std::memcpy(&size, &header[1], sizeof size);
        std::string text(size, '\0');
        if (!child.read(text.data(), size, watch)) {
            tell_end(child.wait());
        }
        switch (static_cast<Message>(header[0])) {
            case Message::progress:
                if (watch.progress && text.size() == sizeof(double)) {
                    double fraction = 0;
                    std::memcpy(&fraction, text.data(), sizeof fraction);
                    watch.progress(fraction);
                }
                break;
            case Message::result:
                child.wait();
                return text;
            case Message::input_error:
                throw InputError(text);
            case Message::out_of_memory:
                throw std::bad_alloc();
            case Message::internal_error:
                rethrow_internal(text);
        }
    }
}

}  // namespace memwall
