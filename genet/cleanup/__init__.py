"""The nightly clean-up: pods whose protection is over go, in every namespace Genet looks after, and people's records.

    rules      what goes and why (pure)
    owners     pods of a controller go with the topmost one, or they would come back
    run        lists, judges and deletes; safe to kill, to run again and to run twice at once
    claims     volume claims that go with the last pod that used them
    saves      pods that are being saved as images stay, and ended Jobs that did it go
    records    grants, sessions and tokens whose time is over
    job        `genet cleanup` and the CronJob

All other PersistentVolumeClaims are kept.
"""
