output "role_arn" {
  description = "For eks.amazonaws.com/role-arn of the service account and for the trust policies of the members."
  value       = aws_iam_role.base.arn
}

output "exporter_role_arn" {
  description = "The same for a separate exporter; null if there is none."
  value       = one(aws_iam_role.exporter[*].arn)
}
