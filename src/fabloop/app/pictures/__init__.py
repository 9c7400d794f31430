"""Pictures for people: plans, processes, changes, KPIs and genealogies as SVG, reports as HTML."""

from fabloop.app.pictures.change import Version as Version
from fabloop.app.pictures.change import change_picture as change_picture
from fabloop.app.pictures.genealogy import genealogy_picture as genealogy_picture
from fabloop.app.pictures.kpi import kpi_picture as kpi_picture
from fabloop.app.pictures.plan import plan_picture as plan_picture
from fabloop.app.pictures.process import process_picture as process_picture
from fabloop.app.pictures.report import Figure as Figure
from fabloop.app.pictures.report import Note as Note
from fabloop.app.pictures.report import Section as Section
from fabloop.app.pictures.report import Table as Table
from fabloop.app.pictures.report import report as report
