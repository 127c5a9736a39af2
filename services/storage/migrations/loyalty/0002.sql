-- Whose points a reservation takes: a part has a row for each birth subject that told of its points,
-- and counts once for whoever of them is read. Reservations of before are of who reserved.
CREATE TABLE loyalty_share (
    subject BLOB NOT NULL,            -- birth subject
    programme_id TEXT NOT NULL,
    reservation_id BLOB NOT NULL,
    part INTEGER NOT NULL,
    points INTEGER NOT NULL,          -- of the part
    together INTEGER NOT NULL,        -- of a bonus how many subjects reached it; else 0
    reserved_ms INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL,
    state INTEGER NOT NULL,           -- of the reservation
    PRIMARY KEY (subject, programme_id, reservation_id, part)
) STRICT, WITHOUT ROWID;
CREATE INDEX loyalty_share_by_reservation ON loyalty_share (reservation_id);
CREATE INDEX loyalty_share_undone ON loyalty_share (expires_ms) WHERE state <> 2;
INSERT INTO loyalty_share
SELECT subject, programme_id, reservation_id, 1, price_points, 0, reserved_ms, expires_ms, state
FROM loyalty_reservation;
