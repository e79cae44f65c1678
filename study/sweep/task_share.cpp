// SPDX-License-Identifier: Apache-2.0
#include "study/sweep/task_share.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>

#include "study/sweep/store.hpp"

namespace memwall {

namespace fs = std::filesystem;

namespace {

constexpr std::int64_t kBlocksAProcess = 16;
constexpr std::int64_t kLargestBlock = 256;

/// The first block of a task's own part.
std::int64_t part_begin(std::int64_t blocks, std::int64_t task, std::int64_t tasks) {
    return blocks * task / tasks;
}

class SharedPoints {
public:
    SharedPoints(std::vector<std::int64_t> points, const TaskPlace& place, BlockClaims& claims,
                 std::function<bool(std::int64_t)> wanted)
        : points_(std::move(points)), claims_(claims), wanted_(std::move(wanted)) {
        const auto count = static_cast<std::int64_t>(points_.size());
        size_ = block_size(count, place);
        order_ = block_order((count + size_ - 1) / size_, place);
    }

    std::optional<std::int64_t> next() {
        while (at_ == end_) {
            if (next_block_ == order_.size()) {
                return std::nullopt;
            }
            open(order_[next_block_++]);
        }
        const std::int64_t point = points_[at_++];
        skip();
        return point;
    }

private:
    void open(std::int64_t block) {
        at_ = static_cast<std::size_t>(block * size_);
        end_ = std::min(points_.size(), at_ + static_cast<std::size_t>(size_));
        skip();
        // A block with nothing left in it needs no claim.
        if (at_ < end_ && !claims_.take(block)) {
            at_ = end_;
        }
    }

    void skip() {
        while (at_ < end_ && !wanted_(points_[at_])) {
            ++at_;
        }
    }

    std::vector<std::int64_t> points_;
    BlockClaims& claims_;
    std::function<bool(std::int64_t)> wanted_;
    std::int64_t size_ = 1;
    std::vector<std::int64_t> order_;
    std::size_t next_block_ = 0;
    std::size_t at_ = 0, end_ = 0;  ///< what is left of the open block
};

}  // namespace

std::int64_t block_size(std::int64_t points, const TaskPlace& place) {
    const std::int64_t blocks = kBlocksAProcess * place.tasks * place.jobs;
    return std::clamp<std::int64_t>(points / blocks, 1, kLargestBlock);
}

std::vector<std::int64_t> block_order(std::int64_t blocks, const TaskPlace& place) {
    std::vector<std::int64_t> order;
    for (int step = 0; step < place.tasks; ++step) {
        const int task = (place.task + step) % place.tasks;
        const std::int64_t begin = part_begin(blocks, task, place.tasks);
        const std::int64_t end = part_begin(blocks, task + 1, place.tasks);
        for (std::int64_t block = begin; block < end; ++block) {
            order.push_back(step == 0 ? block : begin + end - 1 - block);
        }
    }
    return order;
}

BlockClaims::BlockClaims(fs::path folder, std::string owner)
    : folder_(std::move(folder)), owner_(std::move(owner)) {
    std::error_code failure;
    fs::create_directories(folder_, failure);
    if (!fs::is_directory(folder_)) {
        throw StoreError("cannot make '" + folder_.string() + "': " + failure.message());
    }
}

bool BlockClaims::take(std::int64_t block) {
    const fs::path path = folder_ / std::to_string(block);
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (file < 0) {
        const int reason = errno;
        if (reason != EEXIST) {
            throw StoreError("cannot make '" + path.string() + "': " + std::strerror(reason));
        }
        std::string owner;
        std::getline(std::ifstream(path), owner);
        return owner == owner_;
    }
    const std::string line = owner_ + "\n";
    // A claim without a name is still a claim: its block waits for the next job.
    const bool named = ::write(file, line.data(), line.size()) == static_cast<ssize_t>(line.size());
    ::close(file);
    if (!named) {
        throw StoreError("cannot write to '" + path.string() + "': " + std::strerror(errno));
    }
    return true;
}

PointSource shared_points(std::vector<std::int64_t> points, const TaskPlace& place,
                          BlockClaims& claims, std::function<bool(std::int64_t)> wanted) {
    const auto shared =
        std::make_shared<SharedPoints>(std::move(points), place, claims, std::move(wanted));
    return [shared] { return shared->next(); };
}

}  // namespace memwall
