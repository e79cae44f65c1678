// SPDX-License-Identifier: Apache-2.0
#include "sim/dram_layout.hpp"

#include "base/error.hpp"

namespace memwall {

DramCursor::DramCursor(const DramLayout& layout, const DramAccess& access, std::int64_t channel)
    : address_(access.address),
      piece_(access.piece.count()),
      stride_(access.stride),
      pieces_left_(access.pieces),
      channel_(channel) {
    ensure(address_ >= 0 && piece_ >= 0 && pieces_left_ >= 0, "an access lies in its memory");
    if (stride_ == piece_) {  // pieces without gaps are one
        piece_ *= pieces_left_;
        pieces_left_ = pieces_left_ > 0 ? 1 : 0;
    }
    find_piece(layout);
}

void DramCursor::find_piece(const DramLayout& layout) {
    while (at_ >= run_end_ && pieces_left_ > 0) {
        if (piece_ > 0) {
            const DramLayout::Run run = layout.part(address_, piece_, channel_);
            at_ = run.begin;
            run_end_ = run.end;
        }
        address_ += stride_;
        --pieces_left_;
    }
}

void DramCursor::skip(const DramLayout& layout, std::int64_t bursts) {
    at_ += bursts * layout.burst();
    find_piece(layout);
}

}  // namespace memwall
