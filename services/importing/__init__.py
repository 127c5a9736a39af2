"""Purchase histories brought in through the front door.

A mapping says what the columns of somebody's files mean; the purchases are sent as any
caller would send them: identifiers resolved, consent recorded, events tracked, links
asserted, a model trained. Everything sent has a deterministic id, so an import that was
killed anywhere goes on from its checkpoint and ends in the same state.
"""
