// SPDX-License-Identifier: Apache-2.0
#include "sim/modules/tlm_dram_adapter.hpp"

#include <algorithm>

#include "arch/dram_access.hpp"
#include "base/error.hpp"

namespace memwall {

/// Payloads with the slot of their request, used again when the target lets go of them.
class TlmDramAdapter::Pool final : public tlm::tlm_mm_interface {
public:
    struct Tag final : public tlm::tlm_extension<Tag> {
        std::int32_t slot = 0;
        [[nodiscard]] tlm_extension_base* clone() const override { return new Tag(*this); }
        void copy_from(const tlm_extension_base& other) override {
            slot = static_cast<const Tag&>(other).slot;
        }
    };

    explicit Pool(std::size_t bytes) : data_(bytes) {}
    ~Pool() override = default;

    tlm::tlm_generic_payload& take(std::int32_t slot) {
        if (free_.empty()) {
            made_.push_back(std::make_unique<tlm::tlm_generic_payload>(this));
            made_.back()->set_extension(new Tag);  // owned and deleted by its payload
            free_.push_back(made_.back().get());
        }
        tlm::tlm_generic_payload& payload = *free_.back();
        free_.pop_back();
        payload.acquire();
        payload.get_extension<Tag>()->slot = slot;
        payload.set_data_ptr(data_.data());
        payload.set_data_length(static_cast<unsigned>(data_.size()));
        payload.set_streaming_width(static_cast<unsigned>(data_.size()));
        payload.set_byte_enable_ptr(nullptr);
        payload.set_dmi_allowed(false);
        payload.set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
        return payload;
    }
    void free(tlm::tlm_generic_payload* payload) override { free_.push_back(payload); }

private:
    std::vector<unsigned char> data_;
    std::vector<std::unique_ptr<tlm::tlm_generic_payload>> made_;
    std::vector<tlm::tlm_generic_payload*> free_;
};

TlmDramAdapter::TlmDramAdapter(const sc_core::sc_module_name& name, const DramConfig& config,
                               ReplayModule& replay)
    : sc_module(name),
      socket("socket"),
      config_(config),
      replay_(replay),
      pool_(std::make_unique<Pool>(static_cast<std::size_t>(config.burst.count()))),
      busy_(static_cast<std::size_t>(config.channels), 0) {
    socket.register_nb_transport_bw(this, &TlmDramAdapter::from_target);
    SC_METHOD(issue);
    sensitive << may_issue_;
    dont_initialize();
}

TlmDramAdapter::~TlmDramAdapter() = default;

void TlmDramAdapter::submit(std::int32_t tag, std::int32_t /*stream*/, const DramAccess& access,
                            const ClockDomain& clock, Picoseconds now) {
    std::int32_t slot = 0;
    if (free_slots_.empty()) {
        slot = static_cast<std::int32_t>(requests_.size());
        requests_.emplace_back();
    } else {
        slot = free_slots_.back();
        free_slots_.pop_back();
    }
    Request& request = requests_[static_cast<std::size_t>(slot)];
    request = Request{};
    request.tag = tag;
    request.clock = &clock;
    request.access = access;
    request.last = now;
    if (next_piece(request)) {
        to_send_.push_back(slot);
        may_issue_.notify(sc_core::SC_ZERO_TIME);
    } else {
        request.sent = true;
        finish_if_complete(slot);
    }
}

bool TlmDramAdapter::next_piece(Request& request) const {
    const DramAccess& access = request.access;
    const std::int64_t burst = config_.burst.count();
    while (request.piece < access.pieces && request.address >= request.piece_end) {
        const std::int64_t begin = piece_address(access, request.piece, config_.burst);
        ++request.piece;
        if (access.piece.count() > 0) {
            request.address = begin / burst * burst;
            request.piece_end = begin + access.piece.count();
        }
    }
    return request.address < request.piece_end;
}

void TlmDramAdapter::issue() {
    if (asking_ == nullptr && kernel_time() < free_at_) {  // woken early by a new access
        const Picoseconds wait = free_at_ - kernel_time();
        may_issue_.notify(sc_core::sc_time::from_value(static_cast<sc_dt::uint64>(wait.count())));
        return;
    }
    while (asking_ == nullptr && kernel_time() >= free_at_ && !to_send_.empty()) {
        const std::int32_t slot = to_send_.front();
        send(slot);
        Request& request = requests_[static_cast<std::size_t>(slot)];
        if (!next_piece(request)) {
            to_send_.pop_front();
            request.sent = true;
            finish_if_complete(slot);
        }
    }
}

void TlmDramAdapter::send(std::int32_t slot) {
    Request& request = requests_[static_cast<std::size_t>(slot)];
    tlm::tlm_generic_payload& payload = pool_->take(slot);
    payload.set_address(static_cast<sc_dt::uint64>(request.address));
    payload.set_command(request.access.write ? tlm::TLM_WRITE_COMMAND : tlm::TLM_READ_COMMAND);
    const std::int64_t channel = request.address / config_.interleave.count() % config_.channels;
    ++busy_[static_cast<std::size_t>(channel)];
    ++bursts_;
    ++request.under_way;
    request.address += config_.burst.count();

    asking_ = &payload;
    tlm::tlm_phase phase = tlm::BEGIN_REQ;
    sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
    switch (socket->nb_transport_fw(payload, phase, delay)) {
        case tlm::TLM_ACCEPTED:
            break;
        case tlm::TLM_UPDATED:
            ensure(phase == tlm::END_REQ || phase == tlm::BEGIN_RESP,
                   "a target answers a request with END_REQ or BEGIN_RESP");
            request_over(delay);
            if (phase == tlm::BEGIN_RESP) {
                response(payload, delay);
                phase = tlm::END_RESP;
                socket->nb_transport_fw(payload, phase, delay);
                payload.release();
            }
            break;
        case tlm::TLM_COMPLETED:
            request_over(delay);
            response(payload, delay);
            payload.release();
            break;
    }
}

tlm::tlm_sync_enum TlmDramAdapter::from_target(tlm::tlm_generic_payload& payload,
                                               tlm::tlm_phase& phase, sc_core::sc_time& delay) {
    if (phase == tlm::END_REQ) {
        request_over(delay);
        return tlm::TLM_ACCEPTED;
    }
    ensure(phase == tlm::BEGIN_RESP, "a target sends END_REQ and BEGIN_RESP, nothing else");
    if (asking_ == &payload) {
        request_over(delay);
    }
    response(payload, delay);
    phase = tlm::END_RESP;
    payload.release();
    return tlm::TLM_COMPLETED;
}

void TlmDramAdapter::request_over(const sc_core::sc_time& delay) {
    asking_ = nullptr;
    free_at_ = kernel_time() + Picoseconds(static_cast<std::int64_t>(delay.value()));
    may_issue_.notify(delay);  // without a delay: in the next delta cycle
}

void TlmDramAdapter::response(tlm::tlm_generic_payload& payload, const sc_core::sc_time& delay) {
    const std::int32_t slot = payload.get_extension<Pool::Tag>()->slot;
    Request& request = requests_[static_cast<std::size_t>(slot)];
    const Picoseconds at = kernel_time() + Picoseconds(static_cast<std::int64_t>(delay.value()));
    request.last = std::max(request.last, at);
    --request.under_way;
    finish_if_complete(slot);
}

void TlmDramAdapter::finish_if_complete(std::int32_t slot) {
    const Request& request = requests_[static_cast<std::size_t>(slot)];
    if (request.sent && request.under_way == 0) {
        const ClockDomain& clock = *request.clock;
        due_.set(slot, clock.time_of(clock.edge_at_or_after(request.last)));
        replay_.request();  // to look at next_time() again
    }
}

void TlmDramAdapter::advance(Picoseconds now, std::vector<std::int32_t>& finished) {
    while (due_.next() <= now) {
        const std::int32_t slot = due_.pop();
        finished.push_back(requests_[static_cast<std::size_t>(slot)].tag);
        accepted_.push_back(finished.back());
        free_slots_.push_back(slot);
    }
}

void TlmDramAdapter::take_accepted(std::vector<std::int32_t>& accepted) {
    accepted.insert(accepted.end(), accepted_.begin(), accepted_.end());
    accepted_.clear();
}

void TlmDramAdapter::reset_busy() {
    std::fill(busy_.begin(), busy_.end(), 0);
}

DramOutcome TlmDramAdapter::outcome(Picoseconds /*end*/) const {
    DramOutcome outcome;
    outcome.bursts = bursts_;
    return outcome;
}

}  // namespace memwall
