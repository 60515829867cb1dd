"""Why a pod does not run.

One pure function over evidence (`rules.diagnose`), codes with their numbers and names as the contract
(`docs/diagnosis.md`), and sentences in two languages made from these in one place (`texts`).
"""
