"""The HTTP interface of the pipeline service."""

from fastapi import APIRouter

from pipeline.api import board, deal_history, deal_reads, deal_writes, pipelines, products

ROUTERS: tuple[APIRouter, ...] = (
    deal_writes.router,
    deal_reads.router,
    deal_history.router,
    board.router,
    pipelines.router,
    products.router,
)
