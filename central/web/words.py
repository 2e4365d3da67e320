"""Words on screens for the words in code, and the state that colours them.

Everything here is an English message id; templates pass it through `_`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from central.domain.clocks import Step
from central.domain.findings import Consideration, Verdict
from central.domain.recurrence import Every
from central.domain.sop import Event, State
from central.domain.words import Leader, Role
from contract.words import Phase, StepOutcome
from webui import verbs
from webui.i18n import N_

Tone = str
"""A state of the kit's pills: ready, live, busy, degraded, fault, offline."""

STATES: Final[Mapping[State, tuple[str, Tone]]] = {
    State.SUBMITTED: (N_("Waiting for direction"), "busy"),
    State.RETURNED: (N_("Returned to the applicant"), "degraded"),
    State.DISPOSED: (N_("Being verified"), "busy"),
    State.APPROVED: (N_("Approved"), "ready"),
    State.REFUSED: (N_("Refused"), "fault"),
    State.WITHDRAWN: (N_("Withdrawn"), "offline"),
    State.CANCELLED: (N_("Cancelled"), "offline"),
    State.REPORTED: (N_("Reported"), "ready"),
}

EVENTS: Final[Mapping[Event, tuple[str, Tone]]] = {
    Event.ACCEPT: (N_("Forwarded to the division"), "ready"),
    Event.RETURN: (N_("Returned to the applicant"), "degraded"),
    Event.RESUBMIT: (N_("Sent again"), "busy"),
    Event.OFFER: (N_("Something else offered"), "degraded"),
    Event.APPROVE: (N_("Approved"), "ready"),
    Event.REFUSE: (N_("Refused"), "fault"),
    Event.WITHDRAW: (N_("Withdrawn"), "offline"),
    Event.RESCHEDULE: (N_("Moved"), "busy"),
    Event.CANCEL: (N_("Cancelled"), "offline"),
    Event.REPORT: (N_("Report received"), "ready"),
}
ARRIVAL: Final = (N_("Letter received"), "busy")

MESSAGES: Final[Mapping[str, tuple[str, Tone]]] = {
    "waiting": (N_("Waits"), "busy"),
    "failed": (N_("Given up"), "fault"),
    "sent": (N_("Sent"), "ready"),
}

CHANNELS: Final[Mapping[str, str]] = {
    "email": N_("E-mail"),
    "telegram": "Telegram",
    "whatsapp": "WhatsApp",
}
"""Channels whose name is a word; another one is shown as the file has it."""

CLOCKS: Final[Mapping[Step, str]] = {
    Step.DISPOSITION: N_("direction"),
    Step.VERIFICATION: N_("verification"),
    Step.REPORT: N_("report"),
}

LEADERS: Final[Mapping[Leader, str]] = {
    Leader.NONE: N_("No leader takes part"),
    Leader.GOVERNOR: N_("Governor"),
    Leader.VICE_GOVERNOR: N_("Vice governor"),
    Leader.SECRETARY: N_("Regional secretary"),
}

FIELDS: Final[Mapping[str, str]] = {
    "letter_number": N_("Letter number"),
    "letter_date": N_("Letter date"),
    "letter_subject": N_("Subject"),
    "letter_sha256": N_("Letter"),
    "contact_name": N_("Contact person"),
    "contact_phone": N_("Telephone"),
    "title": N_("Title of the event"),
    "agenda": N_("Agenda"),
    "starts": N_("From"),
    "ends": N_("Until"),
    "room_id": N_("Room"),
    "operator": N_("Technician"),
    "site": N_("Any room at"),
    "participants": N_("Participants in the room"),
    "platform": N_("Platform"),
    "leader": N_("Leader taking part"),
    "recording": N_("Recording"),
    "streaming": N_("Streaming"),
    "needs": N_("Equipment wanted"),
    "own_account": N_("Own account"),
    "own_equipment": N_("Own equipment"),
    "own_people": N_("Own people"),
}
"""What may change from one version of a request to the next."""

KEPT: Final[Mapping[str, str]] = {
    "letters": N_("letters"),
    "pictures": N_("pictures of what was on air"),
    "contacts": N_("contact persons in requests"),
    "messages": N_("messages"),
    "drafts": N_("drafts"),
    "log_ins": N_("log-ins"),
    "keys": N_("keys of repeated orders"),
    "journals": N_("journals of rooms"),
}
"""The kinds of what is kept for a time, as `central.retention` and the policy file name them."""

REPEATS: Final[Mapping[str, str]] = {
    "": N_("Once"),
    Every.DAY: N_("Every day"),
    Every.WEEK: N_("Every week"),
    Every.MONTH: N_("Every month on the same day"),
}

ROLES: Final[Mapping[Role, str]] = {
    Role.APPLICANT: N_("Applicant"),
    Role.HEAD: N_("Head of the office"),
    Role.VERIFIER: N_("Implementing division"),
    Role.SCHEDULER: N_("Scheduler"),
    Role.TECHNICIAN: N_("Technician"),
    Role.ADMIN: N_("Administrator"),
    Role.AUDITOR: N_("Auditor"),
}

CONSIDERATIONS: Final[Mapping[Consideration, str]] = {
    Consideration.APPLICANT_EQUIPMENT: N_("Applicant's equipment and accounts"),
    Consideration.APPLICANT_PEOPLE: N_("Applicant's people"),
    Consideration.DIVISION_EQUIPMENT: N_("Division's equipment and accounts"),
    Consideration.DIVISION_PEOPLE: N_("Division's people"),
    Consideration.SERVABLE: N_("Sessions at the same time"),
    Consideration.ROOM: N_("Room"),
    Consideration.LEAD_TIME: N_("Lead time"),
    Consideration.HOURS: N_("Working hours and priority"),
}

VERDICTS: Final[Mapping[Verdict, tuple[str, Tone]]] = {
    Verdict.PASS: (N_("In order"), "ready"),
    Verdict.WARN: (N_("Take note"), "degraded"),
    Verdict.FAIL: (N_("Not in order"), "fault"),
}

PHASES: Final[Mapping[str, tuple[str, Tone]]] = {
    Phase.PLANNED: (N_("Planned"), "offline"),
    Phase.PREPARING: (N_("Preparing"), "busy"),
    Phase.READY: (N_("Ready"), "ready"),
    Phase.LIVE: (N_("Live"), "live"),
    Phase.ENDING: (N_("Ending"), "busy"),
    Phase.ENDED: (N_("Ended"), "ready"),
    Phase.REPORTED: (N_("Reported"), "ready"),
    Phase.CANCELLED: (N_("Cancelled"), "offline"),
    Phase.MISSED: (N_("Did not take place"), "fault"),
}

ROOMS: Final[Mapping[str, tuple[str, Tone]]] = {
    "ready": (N_("Ready"), "ready"),
    "busy": (N_("Live"), "live"),
    "preparing": (N_("Preparing"), "busy"),
    "degraded": (N_("Limited"), "degraded"),
    "not_ready": (N_("Not ready"), "fault"),
    "maintenance": (N_("Maintenance"), "offline"),
    "offline": (N_("Offline"), "offline"),
    "unknown": (N_("Never seen"), "offline"),
}
"""What `RoomCard.shown` may be, in the order of the wall's counts."""

OUTCOMES: Final[Mapping[str, tuple[str, Tone]]] = {
    StepOutcome.DONE: (N_("done"), "ready"),
    StepOutcome.VERIFIED: (N_("verified"), "ready"),
    StepOutcome.REFUSED: (N_("refused by the device"), "fault"),
    StepOutcome.TIMED_OUT: (N_("too late"), "fault"),
    StepOutcome.FAILED: (N_("failed"), "fault"),
    StepOutcome.SKIPPED: (N_("skipped"), "degraded"),
    StepOutcome.UNDONE: (N_("undone"), "degraded"),
    StepOutcome.UNKNOWN: (N_("not known"), "degraded"),
}

CONDITIONS: Final[Mapping[str, tuple[str, Tone]]] = {
    "ok": (N_("In order"), "ready"),
    "degraded": (N_("Limited"), "degraded"),
    "fault": (N_("Faulty"), "fault"),
    "absent": (N_("Absent"), "offline"),
}

VERBS: Final[Mapping[str, str]] = verbs.VERBS
"""What a step of a preset does."""

PORTS: Final[Mapping[str, str]] = {"microphone": N_("microphone"), "speaker": N_("loudspeaker")}
"""Ends of a room's sound."""
