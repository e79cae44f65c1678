// SPDX-License-Identifier: Apache-2.0
#include "study/sweep/worker_pool.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstring>
#include <map>
#include <memory>
#include <string>

#include "base/error.hpp"
#include "base/pieces.hpp"
#include "sim/child_process.hpp"
#include "study/sweep/metrics.hpp"

namespace memwall {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kLookAgainMs = 100;
constexpr int kMostTries = 2;

/// Reads exactly `size` bytes; false at the end.
bool read_all(int file, void* data, std::size_t size) {
    char* bytes = static_cast<char*>(data);
    return in_pieces(
        size, [&](std::size_t done, std::size_t left) { return ::read(file, bytes + done, left); });
}

bool write_all(int file, const void* data, std::size_t size) {
    const char* bytes = static_cast<const char*>(data);
    return in_pieces(size, [&](std::size_t done, std::size_t left) {
        return ::send(file, bytes + done, left, MSG_NOSIGNAL);
    });
}

/// In the worker: points in, records out, until the parent closes its end.
[[noreturn]] void be_a_worker(int socket, pid_t parent,
                              const std::function<Record(std::int64_t)>& work) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::setpgid(0, 0);  // Ctrl-C is for the parent, which ends its workers
    ::signal(SIGINT, SIG_DFL);
    ::signal(SIGTERM, SIG_DFL);
    if (::getppid() != parent) {
        ::_exit(1);
    }
    std::int64_t point = 0;
    while (read_all(socket, &point, sizeof point)) {
        std::string line;
        try {
            line = record_line(work(point));
        } catch (const std::exception&) {
            ::_exit(1);
        }
        const std::uint64_t size = line.size();
        std::string message(sizeof size, '\0');
        std::memcpy(message.data(), &size, sizeof size);
        message += line;
        if (!write_all(socket, message.data(), message.size())) {
            break;
        }
    }
    // No destructors, no buffers of the parent's: they are the parent's to flush.
    ::_exit(0);
}

class Worker {
public:
    Worker(const std::function<Record(std::int64_t)>& work) {
        std::array<int, 2> ends{};
        ensure(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0,
               "a socket to a worker can be made");
        const pid_t parent = ::getpid();
        pid_ = ::fork();
        if (pid_ == 0) {
            ::close(ends[0]);
            be_a_worker(ends[1], parent, work);
        }
        ::close(ends[1]);
        socket_ = ends[0];
        if (pid_ < 0) {
            ::close(socket_);
            fail("no process for a worker can be made");
        }
    }
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;
    ~Worker() { end(SIGKILL); }

    /// Ends it and gives the status of waitpid.
    int end(int signal) {
        int status = 0;
        if (pid_ > 0) {
            ::close(socket_);
            ::kill(pid_, signal);
            status = wait_for_end(pid_);
            pid_ = 0;
        }
        return status;
    }

    void give(std::int64_t point) {
        if (in_hand.empty()) {
            since = Clock::now();
        }
        in_hand.push_back(point);
        write_all(socket_, &point, sizeof point);  // a dead worker shows when it is read
    }

    /// The record that is waiting; nullopt where the worker is gone.
    std::optional<Record> take() {
        std::uint64_t size = 0;
        if (!read_all(socket_, &size, sizeof size)) {
            return std::nullopt;
        }
        std::string line(size, '\0');
        if (size == 0 || !read_all(socket_, line.data(), size)) {
            return std::nullopt;
        }
        line.pop_back();
        auto record = read_record(line);
        if (record) {
            in_hand.pop_front();
            since = Clock::now();
        }
        return record;
    }

    [[nodiscard]] int socket() const { return socket_; }

    std::deque<std::int64_t> in_hand;  ///< the first is being run
    Clock::time_point since;           ///< when it began

private:
    pid_t pid_ = 0;
    int socket_ = -1;
};

class Pool {
public:
    Pool(const PointSource& next, const std::function<Record(std::int64_t)>& work,
         const std::function<void(const Record&)>& done, const PoolOptions& options)
        : next_(next), work_(work), done_(done), options_(options) {}

    void run() {
        hand_out();
        while (std::any_of(workers_.begin(), workers_.end(),
                           [](const auto& worker) { return !worker->in_hand.empty(); })) {
            if (options_.cancelled()) {
                throw Interrupted();
            }
            listen();
            end_overdue();
            options_.idle();
            hand_out();
        }
    }

private:
    std::optional<std::int64_t> next_point() {
        if (!again_.empty()) {
            const std::int64_t point = again_.front();
            again_.pop_front();
            return point;
        }
        return next_();
    }

    /// One point each, then the next ones, so that the last points spread over all.
    void hand_out() {
        for (std::size_t level = 1; level <= options_.in_hand; ++level) {
            for (std::size_t w = 0; w < static_cast<std::size_t>(options_.jobs); ++w) {
                if (w < workers_.size() && workers_[w]->in_hand.size() >= level) {
                    continue;
                }
                const auto point = next_point();
                if (!point) {
                    return;
                }
                if (w >= workers_.size()) {
                    workers_.push_back(std::make_unique<Worker>(work_));
                }
                workers_[w]->give(*point);
            }
        }
    }

    void listen() {
        std::vector<pollfd> waiting;
        for (const auto& worker : workers_) {
            waiting.push_back({worker->socket(), POLLIN, 0});
        }
        if (::poll(waiting.data(), waiting.size(), kLookAgainMs) <= 0) {
            return;
        }
        for (std::size_t w = 0; w < waiting.size(); ++w) {
            if (waiting[w].revents == 0) {
                continue;
            }
            if (const auto record = workers_[w]->take()) {
                if (record->cause == FailureCause::killed && is_tried_again(record->point)) {
                    again_.push_back(record->point);
                } else {
                    done_(*record);
                }
            } else {
                replace(w, FailureCause::killed, "");
            }
        }
    }

    /// Of a point that was killed, with its worker or alone.
    bool is_tried_again(std::int64_t point) { return ++tries_[point] < kMostTries; }

    void end_overdue() {
        for (std::size_t w = 0; options_.point_timeout && w < workers_.size(); ++w) {
            if (!workers_[w]->in_hand.empty() &&
                Clock::now() - workers_[w]->since > *options_.point_timeout) {
                replace(
                    w, FailureCause::timeout,
                    fmt::format("over the time limit of {:g} s", options_.point_timeout->count()));
            }
        }
    }

    /// A worker is gone or must go: its first point is to blame, the others are not.
    void replace(std::size_t w, FailureCause cause, std::string reason) {
        std::deque<std::int64_t> in_hand = std::move(workers_[w]->in_hand);
        const int status = workers_[w]->end(SIGKILL);
        workers_[w] = std::make_unique<Worker>(work_);
        if (in_hand.empty()) {
            return;
        }
        const std::int64_t blamed = in_hand.front();
        in_hand.pop_front();
        again_.insert(again_.end(), in_hand.begin(), in_hand.end());
        if (cause == FailureCause::killed && is_tried_again(blamed)) {
            again_.push_back(blamed);
            return;
        }
        if (reason.empty()) {
            reason = WIFSIGNALED(status) ? "ended by signal " + std::to_string(WTERMSIG(status)) +
                                               " (" + ::strsignal(WTERMSIG(status)) + ")"
                                         : "ended without a result";
        }
        Record record;
        record.point = blamed;
        record.status = PointStatus::failed;
        record.cause = cause;
        record.reason = reason;
        record.totals = std::string(metrics().size() - 1, ',');
        done_(record);
    }

    const PointSource& next_;
    const std::function<Record(std::int64_t)>& work_;
    const std::function<void(const Record&)>& done_;
    const PoolOptions& options_;
    std::vector<std::unique_ptr<Worker>> workers_;
    std::deque<std::int64_t> again_;
    std::map<std::int64_t, int> tries_;
};

}  // namespace

void run_points(const PointSource& next, const std::function<Record(std::int64_t point)>& work,
                const std::function<void(const Record&)>& done, const PoolOptions& options) {
    Pool(next, work, done, options).run();
}

}  // namespace memwall
