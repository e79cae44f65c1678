// SPDX-License-Identifier: Apache-2.0
#include "study/sweep/worker_pool.hpp"

#include <unistd.h>
#include <catch2/catch.hpp>
#include <csignal>
#include <filesystem>
#include <map>
#include <stdexcept>
#include <thread>

#include "base/error.hpp"
#include "tests/study/program.hpp"
#include "tests/support/temporary_folder.hpp"

using namespace memwall;
using namespace memwall::test;

namespace {

PointSource up_to(std::int64_t count) {
    auto next = std::make_shared<std::int64_t>(0);
    return [next, count]() -> std::optional<std::int64_t> {
        return *next < count ? std::optional((*next)++) : std::nullopt;
    };
}

Record answer(std::int64_t point) {
    Record record;
    record.point = point;
    record.totals = std::to_string(point * point);
    return record;
}

/// The records by point; a point that comes twice fails the test.
std::map<std::int64_t, Record> run(std::int64_t count,
                                   const std::function<Record(std::int64_t)>& work,
                                   const PoolOptions& options) {
    std::map<std::int64_t, Record> records;
    run_points(
        up_to(count), work,
        [&](const Record& record) { CHECK(records.emplace(record.point, record).second); },
        options);
    return records;
}

PoolOptions jobs(int count) {
    PoolOptions options;
    options.jobs = count;
    return options;
}

}  // namespace

TEST_CASE("every point is run once, by one worker or by more than there are points") {
    for (const int count : {1, 3, 20}) {
        const auto records = run(10, answer, jobs(count));
        REQUIRE(records.size() == 10);
        CHECK(records.at(9).totals == "81");
    }
    CHECK(run(0, answer, jobs(2)).empty());
}

TEST_CASE("a point that kills its worker is tried once more, recorded, and costs no other point") {
    const auto records = run(
        12,
        [](std::int64_t point) {
            if (point == 5) {
                ::raise(SIGKILL);
            }
            return answer(point);
        },
        jobs(2));
    REQUIRE(records.size() == 12);
    for (const auto& [point, record] : records) {
        CHECK((record.status == PointStatus::failed) == (point == 5));
    }
    CHECK(records.at(5).cause == FailureCause::killed);
    CHECK(records.at(5).reason == "ended by signal 9 (Killed)");
}

TEST_CASE("a point whose simulation was killed is tried once more, its worker goes on") {
    const TemporaryFolder folder;
    const auto killed_at = [&](bool always) {
        return [&folder, always](std::int64_t point) {
            Record record = answer(point);
            const auto mark = folder.path() / std::to_string(point);
            if (always ? point == 5 : point == 3 && !std::filesystem::exists(mark)) {
                write_text(mark, "once");
                record.status = PointStatus::failed;
                record.cause = FailureCause::killed;
                record.reason = "the simulation was ended by signal 9 (Killed)";
            }
            return record;
        };
    };
    const auto once = run(8, killed_at(false), jobs(1));
    REQUIRE(once.size() == 8);
    CHECK(once.at(3).status == PointStatus::done);
    const auto always = run(8, killed_at(true), jobs(2));
    REQUIRE(always.size() == 8);
    CHECK(always.at(5).cause == FailureCause::killed);
    CHECK_FALSE(always.at(5).is_final());
}

TEST_CASE("a worker that is killed by chance loses nothing: its point is run again") {
    const TemporaryFolder folder;
    const auto mark = folder.path() / "killed";
    const auto records = run(
        8,
        [&](std::int64_t point) {
            if (point == 3 && !std::filesystem::exists(mark)) {
                write_text(mark, "once");
                ::raise(SIGKILL);
            }
            return answer(point);
        },
        jobs(2));
    REQUIRE(records.size() == 8);
    CHECK(records.at(3).status == PointStatus::done);
}

TEST_CASE("a point over its time is given up, the others go on") {
    PoolOptions options = jobs(2);
    options.point_timeout = std::chrono::duration<double>(0.3);
    const auto records = run(
        6,
        [](std::int64_t point) {
            if (point == 2) {
                for (;;) {
                    ::pause();
                }
            }
            return answer(point);
        },
        options);
    REQUIRE(records.size() == 6);
    CHECK(records.at(2).cause == FailureCause::timeout);
    CHECK(records.at(2).reason == "over the time limit of 0.3 s");
    CHECK(records.at(3).status == PointStatus::done);
}

TEST_CASE("what is thrown where records are kept ends the run, and so does a wish to stop") {
    CHECK_THROWS_AS(
        run_points(
            up_to(50), answer, [](const Record&) { throw std::runtime_error("the disk is full"); },
            jobs(2)),
        std::runtime_error);
    PoolOptions options = jobs(2);
    int looks = 0;
    options.cancelled = [&] { return ++looks > 3; };
    CHECK_THROWS_AS(run(1'000'000, answer, options), Interrupted);
}
